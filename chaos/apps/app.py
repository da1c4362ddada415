"""What the chaos suite serves. Every answer names its request, the process that made it and the version of the code,
so that a client can tell an answer that is wrong, mixed up, doubled or cut short:

    ID PID VERSION BODY-LENGTH BODY-CRC32
    IDIDIDID...                              as many bytes as `size` of the query says

The path says what happens before the answer is made (see faults.py).
"""

import os
import zlib
from urllib.parse import parse_qsl

import faults
import marks
from version import VERSION

BLOCK = 65536


def app(environ, start_response):
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    ident = query["id"]
    marks.start(ident, environ["REQUEST_METHOD"])
    length, crc = read_body(environ)
    faults.BEHAVIOURS[environ["PATH_INFO"]](query)
    first = "{} {} {} {} {:08x}\n".format(ident, os.getpid(), VERSION, length, crc).encode()
    size = int(query.get("size", "0"))
    filler = (ident.encode() * (size // len(ident) + 1))[:size]
    fields = [("Content-Type", "text/plain")]
    if "stream" in query:
        start_response("200 OK", fields)
        return stream(ident, first, filler)
    start_response("200 OK", fields + [("Content-Length", str(len(first) + size))])
    marks.end(ident)
    return Closing(first + filler, query) if "close" in query else [first + filler]


class Closing:
    """An answer that is complete, with something to do after it: `close` is how many milliseconds that takes."""

    def __init__(self, body, query):
        self._blocks = iter([body])
        self._query = query

    def __iter__(self):
        return self._blocks

    def close(self):
        faults.busy({"ms": self._query["close"]})


def read_body(environ):
    length = crc = 0
    while True:
        block = environ["wsgi.input"].read(BLOCK)
        if not block:
            return length, crc
        length += len(block)
        crc = zlib.crc32(block, crc)


def stream(ident, first, filler):
    try:
        yield first
        for start in range(0, len(filler), BLOCK):
            yield filler[start : start + BLOCK]
    finally:
        marks.end(ident)
