"""One request: builds the environ, calls the application and has its answer sent. PEP 3333 is here and in response.py.

`answer` has a short way for the common case, a list of one block that fits one frame, and hands all others to a
`Response`. It never raises for what an application does: SystemExit and the like fail the request, and the worker
lives on.

The interrupt (see slot.py) is admitted between `slot.enter` and `slot.leave`, and only there.
"""

from . import failure, frames, headers
from .errors import ErrorLog
from .input import open_input
from .response import Response
from .whole import answer_whole, service_time

MAX_WHOLE = frames.MAX_PAYLOAD - headers.MAX_HEAD - 64
"""A body up to here fits one frame with any head."""


def answer(slot, stream, flags, text, body, more):
    """Runs a claimed request. Returns the bytes that end its answer, which the caller sends; all before them is sent.

    `text` is the environ delta, `more` whether further requests are at hand (then small answers need not be sent at
    once: the next flush, or a RECALL, takes them along).
    """
    worker = slot.worker
    environ = worker.environ.copy()
    pairs = iter(text.decode("latin-1").split("\0"))
    environ.update(zip(pairs, pairs))
    response = None
    source = None
    errors = environ["wsgi.errors"] = ErrorLog(slot, stream)
    try:
        source = environ["wsgi.input"] = open_input(body, flags & frames.SPOOLED)
        response = Response(slot, stream, environ.get("REQUEST_METHOD") == "HEAD")
        slot.enter(stream)
        result = worker.application(environ, response.start_response)
        if type(result) is list and len(result) == 1 and not response.silent and response.out is None:
            block = result[0]
            head = response.head
            if head is not None and type(block) is bytes and len(block) <= worker.max_whole:
                length = len(block)
                if response.length is None:
                    head += b"\0Content-Length\0%d" % length
                if response.length is None or response.length == length:
                    slot.leave()
                    if errors.line:
                        errors.flush()
                    return answer_whole(slot, stream, head, block)
        response.deliver(result, more)
        if errors.line:
            errors.flush()
        return response.end()
    except BaseException as error:
        slot.settle()
        if errors.line:
            errors.flush()
        failed = failure.describe(error)
        return frames.encode_error(stream, service_time(slot), failed)
    finally:
        slot.stream = 0
        slot.credited = None
        if flags & frames.SPOOLED and source is not None:
            source.close()
