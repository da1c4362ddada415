"""Each function breaks one rule that wsgiref.validate knows, or none. It is the application of the path of its name."""

import threading

TEXT = [("Content-Type", "text/plain")]


def app(environ, start_response):
    return globals()[environ["PATH_INFO"][1:]](environ, start_response)


def good(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"good"]


# --- start_response ---


def one_argument(environ, start_response):
    start_response("200 OK")
    return [b"x"]


def keyword_argument(environ, start_response):
    start_response("200 OK", TEXT, exc_info=None)
    return [b"x"]


def answer_with(status, fields, *more):
    def answer(environ, start_response):
        start_response(status, fields, *more)
        return [] if str(status)[:3] in ("204", "304") else [b"x"]

    return answer


status_bytes = answer_with(b"200 OK", TEXT)
status_number = answer_with(200, TEXT)
status_short = answer_with("20 OK", TEXT)
status_word = answer_with("abc OK", TEXT)
status_empty = answer_with("", TEXT)
status_low = answer_with("099 Low", TEXT)
status_without_space = answer_with("200\tOK", TEXT)
headers_tuple = answer_with("200 OK", tuple(TEXT))
header_list = answer_with("200 OK", [["Content-Type", "text/plain"]])
header_of_three = answer_with("200 OK", TEXT + [("X-A", "b", "c")])
header_name_bytes = answer_with("200 OK", TEXT + [(b"X-A", "b")])
header_value_bytes = answer_with("200 OK", TEXT + [("X-A", b"b")])
header_status = answer_with("200 OK", TEXT + [("Status", "200 OK")])
header_colon = answer_with("200 OK", TEXT + [("X-A:", "b")])
header_line_end = answer_with("200 OK", TEXT + [("X-A\n", "b")])
header_digit = answer_with("200 OK", TEXT + [("1-A", "b")])
header_hyphen_at_end = answer_with("200 OK", TEXT + [("X-A-", "b")])
header_control = answer_with("200 OK", TEXT + [("X-A", "b\x01c")])
no_content_type = answer_with("200 OK", [])
content_type_with_204 = answer_with("204 No Content", TEXT)
content_type_with_304 = answer_with("304 Not Modified", TEXT)
exc_info_list = answer_with("200 OK", TEXT, [1, 2, 3])


# --- what is returned ---


def returns_none(environ, start_response):
    start_response("200 OK", TEXT)


def returns_false(environ, start_response):
    start_response("200 OK", TEXT)
    return False


def returns_str(environ, start_response):
    start_response("200 OK", TEXT)
    return "text"


def returns_bytes(environ, start_response):
    start_response("200 OK", TEXT)
    return b"bytes"


def block_str(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def block_before_start_response(environ, start_response):
    yield b"early"
    start_response("200 OK", TEXT)


def block_bytearray_late(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"sent"
    yield bytearray(b"not sent")


# --- write, input and errors ---


def write_str(environ, start_response):
    start_response("200 OK", TEXT)("text")
    return []


def call(stream, method, *arguments):
    def answer(environ, start_response):
        getattr(environ[stream], method)(*arguments)
        return good(environ, start_response)

    return answer


read_all = call("wsgi.input", "read")
read_two = call("wsgi.input", "read", 1, 2)
readline_two = call("wsgi.input", "readline", 1, 2)
readlines_two = call("wsgi.input", "readlines", 1, 2)
input_close = call("wsgi.input", "close")
errors_bytes = call("wsgi.errors", "write", b"bytes")
errors_lines_bytes = call("wsgi.errors", "writelines", [b"bytes"])
errors_close = call("wsgi.errors", "close")


# --- what becomes of it ---


def caught(environ, start_response):
    try:
        environ["wsgi.input"].read()
    except AssertionError:
        pass
    return good(environ, start_response)


def caught_in_generator(environ, start_response):
    start_response("200 OK", TEXT)
    try:
        environ["wsgi.input"].read()
    except AssertionError:
        pass
    yield b"not sent"


def caught_at_end(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"sent"
    try:
        environ["wsgi.input"].read()
    except AssertionError:
        pass


def raised_instead(environ, start_response):
    try:
        environ["wsgi.input"].read()
    except AssertionError:
        raise KeyError("mine") from None


def caught_twice(environ, start_response):
    for method in ("read", "close"):
        try:
            getattr(environ["wsgi.input"], method)()
        except AssertionError:
            pass
    return good(environ, start_response)


class Closing:
    def __init__(self, close):
        self.close = close
        self.blocks = iter([b"good"])

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)


def in_close(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(lambda: environ["wsgi.errors"].close())


def close_raises(environ, start_response):
    start_response("200 OK", TEXT)
    return Closing(lambda: 1 // 0)


def caught_and_closed(environ, start_response):
    caught(environ, start_response)
    return Closing(lambda: environ["wsgi.errors"].write("closed\n"))


def own_assertion(environ, start_response):
    assert environ is None, "mine"


def own_value_error(environ, start_response):
    start_response("200 OK", TEXT)
    return map(int, ["no number"])


def in_thread(environ, start_response):
    raised = []

    def run():
        try:
            environ["wsgi.input"].read()
        except AssertionError as error:
            raised.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    start_response("200 OK", TEXT)
    return [raised[0].encode()]


def keys(environ, start_response):
    start_response("200 OK", TEXT)
    return [" ".join(sorted(environ)).encode()]
