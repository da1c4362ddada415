"""One application with a path for each way to answer. What close() was called for is in CLOSED, which /closed shows."""

import json
import logging
import sys
import tempfile

TEXT = [("Content-Type", "text/plain")]
CLOSED = []
PATHS = {}


def path(function):
    PATHS["/" + function.__name__] = function
    return function


def app(environ, start_response):
    return PATHS[environ["PATH_INFO"]](environ, start_response)


class Blocks:
    """An iterable with close()."""

    def __init__(self, name, blocks, close_error=None):
        self.name = name
        self.blocks = iter(blocks)
        self.close_error = close_error

    def __iter__(self):
        return self

    def __next__(self):
        block = next(self.blocks)
        if isinstance(block, BaseException):
            raise block
        return block

    def close(self):
        CLOSED.append(self.name)
        if self.close_error is not None:
            raise self.close_error


@path
def closed(environ, start_response):
    start_response("200 OK", TEXT)
    names = json.dumps(CLOSED)
    del CLOSED[:]
    return [names.encode()]


@path
def show_environ(environ, start_response):
    start_response("200 OK", TEXT)
    shown = {name: repr(value) for name, value in environ.items()}
    shown["type(environ)"] = type(environ).__name__
    return [json.dumps(shown).encode()]


@path
def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("X-Again", repr(environ["wsgi.input"].read(10)))])
    return [body]


@path
def read_in_all_ways(environ, start_response):
    source = environ["wsgi.input"]
    found = [
        source.read(2),
        source.readline(),
        source.readline(3),
        source.readlines(1),
        list(source),
        source.read(),
        source.read(5),
    ]
    start_response("200 OK", TEXT)
    return [repr(found).encode()]


@path
def two_blocks(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"one,", b"two"]


@path
def empty_list(environ, start_response):
    start_response("200 OK", TEXT)
    return []


@path
def empty_blocks(environ, start_response):
    start_response("200 OK", TEXT)
    return Blocks("empty_blocks", [b"", b""])


@path
def stream(environ, start_response):
    start_response("200 OK", TEXT)
    return Blocks("stream", [b"", b"one,", b"", b"two"])


@path
def late_start(environ, start_response):
    yield b""
    start_response("200 OK", TEXT)
    yield b"late"


@path
def sized_stream(environ, start_response):
    start_response("200 OK", TEXT + [("Content-Length", "4")])
    return Blocks("sized_stream", [b"full"])


@path
def fails_when_half_sent(environ, start_response):
    start_response("200 OK", TEXT)
    return Blocks("fails_when_half_sent", [b"half", LookupError("the other half")])


@path
def fails_before_head(environ, start_response):
    raise KeyError("before")


@path
def fails_before_first_block(environ, start_response):
    start_response("200 OK", TEXT)
    return Blocks("fails_before_first_block", [ValueError("before the first")])


@path
def never_starts(environ, start_response):
    return Blocks("never_starts", [b"x"])


@path
def never_starts_list(environ, start_response):
    return [b"x"]


@path
def returns_none(environ, start_response):
    start_response("200 OK", TEXT)


@path
def returns_bytes(environ, start_response):
    start_response("200 OK", TEXT)
    return b"abc"


@path
def returns_text(environ, start_response):
    start_response("200 OK", TEXT)
    return ["abc"]


@path
def yields_text(environ, start_response):
    start_response("200 OK", TEXT)
    return Blocks("yields_text", [b"a", "b"])


@path
def close_fails(environ, start_response):
    start_response("200 OK", TEXT)
    return Blocks("close_fails", [b"fine"], OSError("while closing"))


@path
def too_long_list(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"abcdef"]


@path
def too_long_stream(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return Blocks("too_long_stream", [b"ab", b"cd", b"ef"])


@path
def too_short_list(environ, start_response):
    start_response("200 OK", [("Content-Length", "9")])
    return [b"abc"]


@path
def too_short_stream(environ, start_response):
    start_response("200 OK", [("Content-Length", "9")])
    return Blocks("too_short_stream", [b"ab", b"c"])


@path
def too_short_empty(environ, start_response):
    start_response("200 OK", [("Content-Length", "9")])
    return []


@path
def no_content(environ, start_response):
    start_response("204 No Content", [("Content-Length", "4"), ("X-Kept", "yes")])
    return [b"body"]


@path
def not_modified(environ, start_response):
    start_response("304 Not Modified", [("Content-Length", "4")])
    return Blocks("not_modified", [b"body"])


@path
def write(environ, start_response):
    put = start_response("200 OK", TEXT)
    put(b"")
    put(b"written,")
    return [b"returned"]


@path
def write_sized(environ, start_response):
    put = start_response("200 OK", TEXT + [("Content-Length", "16")])
    put(b"written,")
    return [b"returned"]


@path
def write_text(environ, start_response):
    start_response("200 OK", TEXT)("text")
    return []


@path
def twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"x"]


@path
def again_before_head(environ, start_response):
    start_response("200 OK", TEXT)
    try:
        raise ValueError("replaced")
    except ValueError:
        start_response("500 Replaced", [("X-New", "1")], sys.exc_info())
    return [b"error page"]


@path
def again_after_head(environ, start_response):
    start_response("200 OK", TEXT)(b"sent")
    try:
        raise ValueError("too late")
    except ValueError:
        start_response("500 Too Late", TEXT, sys.exc_info())
    return [b"never"]


@path
def bad_header_then_error_page(environ, start_response):
    try:
        start_response("200 OK", [("X", "a\r\nSet-Cookie: b")])
    except ValueError:
        start_response("500 Oops", TEXT, sys.exc_info())
    return [b"page"]


@path
def bad_header_swallowed(environ, start_response):
    try:
        start_response("200 OK", [("X", "a\r\nSet-Cookie: b")])
    except ValueError:
        pass
    return [b"x"]


@path
def exits(environ, start_response):
    sys.exit("enough")


@path
def interrupts(environ, start_response):
    raise KeyboardInterrupt


@path
def out_of_memory(environ, start_response):
    raise MemoryError


@path
def start_with(environ, start_response):
    start_response(*eval(environ["QUERY_STRING"]))
    return [b"ok"]


@path
def log(environ, start_response):
    errors = environ["wsgi.errors"]
    print("a line", file=errors)
    errors.write("two\nlines\nand ")
    errors.flush()
    errors.writelines(["the ", "rest \udc80 ü"])
    try:
        errors.write(b"bytes")
    except TypeError:
        print("\nno bytes", file=errors, end="")
    PATHS["errors"] = errors
    start_response("200 OK", TEXT)
    return [b"logged"]


@path
def log_exception(environ, start_response):
    handler = logging.StreamHandler(environ["wsgi.errors"])
    try:
        {}["missing"]
    except KeyError:
        record = logging.makeLogRecord({"msg": "it failed", "exc_info": sys.exc_info()})
    handler.handle(record)
    start_response("200 OK", TEXT)
    return [b"logged"]


@path
def log_much(environ, start_response):
    errors = environ["wsgi.errors"]
    errors.write("begin ")
    errors.write("%s\nshort\n%s\nlast\nrest" % ("x" * 100000, "y" * 300000))
    start_response("200 OK", TEXT)
    return [b"logged"]


@path
def log_late(environ, start_response):
    PATHS["errors"].write("after the end\n")
    start_response("200 OK", TEXT)
    return [b"ok"]


@path
def big(environ, start_response):
    start_response("200 OK", TEXT)
    return [bytes(range(256)) * 4096]


@path
def many_small(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"%06d\n" % number for number in range(100000)]


@path
def file(environ, start_response):
    name, _, length = environ["QUERY_STRING"].partition("&")
    source = open(name, "rb")
    source.seek(3)
    start_response("200 OK", [("Content-Length", length)] if length else TEXT)
    close = source.close

    wrapper = environ["wsgi.file_wrapper"](source, 4096)
    wrapper.close = lambda: (CLOSED.append("file"), close())
    return wrapper


@path
def temporary_file(environ, start_response):
    source = (
        tempfile.TemporaryFile() if environ["QUERY_STRING"] == "unnamed" else tempfile.NamedTemporaryFile()
    )
    source.write(b"temporary content")
    source.flush()
    source.seek(0)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](source)


@path
def gzip_file(environ, start_response):
    import gzip

    with gzip.open(environ["QUERY_STRING"], "wb") as source:
        source.write(b"not compressed" * 100)
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](gzip.open(environ["QUERY_STRING"], "rb"))


@path
def bytes_file(environ, start_response):
    import io

    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](io.BytesIO(b"in memory"), 4)
