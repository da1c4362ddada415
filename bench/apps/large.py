"""Bodies far larger than memory should hold: POST hashes the upload, GET streams `?MEBIBYTES`.

The download comes from a generator and has no Content-Length, so that the server has to frame it.
"""

import hashlib

BLOCK = bytes(index % 251 for index in range(65_536))
BLOCKS_PER_MEBIBYTE = 16


def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        return receive(environ, start_response)
    return send(int(environ["QUERY_STRING"] or 0), start_response)


def receive(environ, start_response):
    left = int(environ["CONTENT_LENGTH"])
    digest = hashlib.sha256()
    while left > 0:
        piece = environ["wsgi.input"].read(min(left, 65_536))
        if not piece:
            break
        digest.update(piece)
        left -= len(piece)
    body = digest.hexdigest().encode("ascii")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def send(mebibytes, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    for _ in range(mebibytes * BLOCKS_PER_MEBIBYTE):
        yield BLOCK
