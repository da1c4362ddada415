"""What an application answers: `start_response`, `write`, and what it returns, turned into frames. PEP 3333 is here.

Decides how long the body is and which way it goes: as one frame (whole.py), as a frame whose end is still to come or as
a stream (stream.py), or as a file that the gateway sends. Raises what makes the request fail; request.py answers that.
"""

from . import failure, frames, headers
from .file_wrapper import FileWrapper, check_unchanged, find_regular_file
from .stream import ClientDisconnected, Stream, WholeAnswer
from .whole import answer_whole, service_time

# All blocks of these exist already, so nothing is held back while the application makes the next. Django's response is
# iterated by a list iterator, for example.
_COMPLETE = frozenset([list, tuple, type(iter([])), type(iter(()))])


class ContentLengthMismatch(Exception):
    """The application gave fewer bytes than its Content-Length said."""


class Response:
    """What one call of the application answers. `start_response` and `write` are what the application gets of it."""

    __slots__ = (
        "head",
        "length",
        "silent",
        "out",
        "_slot",
        "_id",
        "_code",
        "_is_head",
        "_left",
        "_error",
        "_warned",
        "_written",
        "_whole_body",
    )

    def __init__(self, slot, stream, is_head):
        self.head = None
        """The text of the HEAD frame, from the time start_response was called."""
        self.length = None
        """The Content-Length."""
        self.silent = is_head
        """Whether no body may be sent: to HEAD, with 204, with 304, with X-Sendfile that the gateway obeys."""
        self.out = None
        """The Stream or WholeAnswer, from the time the head went out."""
        self._slot = slot
        self._id = stream
        self._is_head = is_head
        self._error = None
        self._warned = False
        self._written = False
        self._whole_body = b""

    def start_response(self, status, fields, exc_info=None):
        """PEP 3333's start_response. Raises HeaderError for what cannot be sent."""
        if exc_info is not None or self.head is not None or self.out is not None:
            try:
                self._start_again(exc_info)
            finally:
                exc_info = None
        try:
            try:
                text, code = headers.STATUSES[status]
            except (KeyError, TypeError):
                text, code = headers.encode_status(status)
            if not isinstance(fields, list):
                raise headers.HeaderError("headers must be a list, not %s" % type(fields).__name__)
            kept = headers.FIELDS
            length = None
            parts = [text]
            for field in fields:
                try:
                    text, number = kept[field]
                except (KeyError, TypeError):
                    text, number = headers.encode_field(field)
                if number is not None:
                    if length is not None:
                        raise headers.HeaderError("Content-Length is given more than once")
                    length = number
                    # RFC 9110 section 8.6: no Content-Length with 204.
                    if code == 204:
                        continue
                parts.append(text)
            head = b"".join(parts)
            if len(head) > headers.MAX_HEAD:
                raise headers.HeaderError(
                    "the head is %d bytes long, at most %d can be sent" % (len(head), headers.MAX_HEAD)
                )
        except BaseException as error:
            self._error = error
            raise
        self.length = length
        self.silent = self._is_head or code == 204 or code == 304 or self._names_file(fields)
        self.head = head
        self._code = code
        self._error = None
        return self.write

    def _names_file(self, fields):
        return self._slot.worker.settings.sendfile and any(
            name.lower() == "x-sendfile" for name, _ in fields
        )

    def _start_again(self, exc_info):
        try:
            if not exc_info:
                if self.head is not None:
                    raise AssertionError("start_response was called a second time without exc_info")
            elif self.out is not None:
                if exc_info[1] is None:
                    raise AssertionError("start_response was called again after the head went out")
                raise exc_info[1].with_traceback(exc_info[2])
            self.head = None
        finally:
            exc_info = None

    def write(self, data):
        """PEP 3333's write: the bytes are on their way when it returns. Raises ClientDisconnected."""
        if self._slot.stream != self._id:
            raise RuntimeError("write() was called after the end of the request")
        if not isinstance(data, bytes):
            raise TypeError("write() takes bytes, not %s" % type(data).__name__)
        self._written = self._written or bool(data)
        self._send(data, False)

    def deliver(self, result, more):
        """Sends what the application returned, all but the end, and closes it. Raises what makes the request fail.

        No interrupt is admitted once this has begun to close: close() is called exactly once. One that hangs there is
        ended by the gateway's SIGABRT.
        """
        failed = None
        try:
            self._deliver(result, more)
            self._slot.leave()
        except BaseException as error:
            failed = error
        self._slot.settle()
        try:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self._slot.settle()
            self._log(
                frames.LEVEL_ERROR,
                "close() of the application's iterable failed:\n" + failure.format_traceback(error),
            )
        if failed is not None:
            try:
                raise failed
            finally:
                failed = None

    def end(self):
        """The bytes that end the answer."""
        if self.out is not None:
            return self.out.end(service_time(self._slot))
        return answer_whole(self._slot, self._id, self.head, self._whole_body)

    def _deliver(self, result, more):
        if type(result) is FileWrapper and self._deliver_file(result):
            return
        blocks = result if type(result) is list or type(result) is tuple else _iterate_over(result)
        if type(blocks) in _COMPLETE:
            self._deliver_blocks(list(blocks), more, hasattr(result, "close"))
        else:
            self._deliver_each(blocks, more)
        self._finish()

    def _finish(self):
        """Called when the application has given all it has."""
        self._need_head()
        if self.silent:
            return
        if self.out is None:
            if self.length is None:
                self._set_length(0)
            elif self.length > len(self._whole_body):
                raise ContentLengthMismatch("the body is empty, Content-Length says %d bytes" % self.length)
        elif self.length is not None and self._left:
            raise ContentLengthMismatch(
                "the body ends %d bytes before its Content-Length of %d" % (self._left, self.length)
            )

    def _deliver_blocks(self, blocks, more, has_close):
        """All blocks are here, so the length of the body is known."""
        for block in blocks:
            _check_block(block)
        body = blocks[0] if len(blocks) == 1 else b"".join(blocks)
        self._need_head()
        if (
            self.length is None
            and not self._written
            and self._code not in (204, 304)
            and (body or not self._is_head)
        ):
            self._set_length(len(body))
        if (
            self.silent
            or self.out is not None
            or has_close
            or not self.length == len(body) <= self._slot.worker.max_whole
        ):
            self._send(body, more)
        else:
            self._whole_body = body

    def _deliver_each(self, blocks, more):
        """Each block goes out before the next is asked for (PEP 3333, "Buffering and Streaming")."""
        for block in blocks:
            _check_block(block)
            self._send(block, more)
            if self.silent and block:
                return

    def _deliver_file(self, wrapper):
        """Returns False if the file has to be sent as any other iterable."""
        file = find_regular_file(wrapper.filelike)
        if file is None:
            return False
        self._need_head()
        count = max(0, file.size - file.offset)
        if self.out is None and self.length is None and self._code not in (204, 304):
            self._set_length(count)
        if self.silent:
            return True
        if self.length is not None:
            count = min(count, self.length if self.out is None else self._left)
        if count and file.path is not None:
            self._begin(b"", True)
            if self.out.send_file(count, file):
                if self.length is not None:
                    self._left -= count
                count = 0
        for block in wrapper.blocks(count):
            _check_block(block)
            check_unchanged(file)
            self._send(block, False)
        self._finish()
        return True

    def _send(self, block, more):
        """Sends body bytes as far as the Content-Length goes; the head first."""
        if self._slot.aborted == self._id:
            raise ClientDisconnected("the client has gone")
        if not block:
            return
        self._need_head()
        if self.silent:
            return
        if self.out is None:
            self._begin(block, more)
            return
        if self.length is not None:
            block = self._cut(block, self._left)
            self._left -= len(block)
        self.out.send(block)

    def _begin(self, block, more):
        if self.out is not None:
            return
        if self.length is not None:
            block = self._cut(block, self.length)
            self._left = self.length - len(block)
        if self.length == len(block) <= self._slot.worker.max_whole:
            self.out = WholeAnswer(self._slot, self.head, block, flush=not more)
        else:
            self.out = Stream(self._slot)
            self.out.begin(self.head, block)

    def _cut(self, block, left):
        if len(block) <= left:
            return block
        if not self._warned:
            self._warned = True
            self._slot.pause()
            try:
                self._log(
                    frames.LEVEL_WARNING,
                    "the body is longer than its Content-Length of %d; the rest is not sent" % self.length,
                )
            finally:
                self._slot.resume()
        return memoryview(block)[:left]

    def _need_head(self):
        if self.head is None:
            if self._error is not None:
                try:
                    raise self._error
                finally:
                    self._error = None
            raise AssertionError(
                "the application did not call start_response before its first bytes or its end"
            )

    def _set_length(self, count):
        self.length = count
        self.head += headers.content_length(count)

    def _log(self, level, text):
        """Call with the interrupt held back or left."""
        self._slot.worker.log(self._id, level, text.rstrip("\n"))


_FACTORY_HINT = "; is it a factory? name it with parentheses: module:create_app()"


def _iterate_over(result):
    if isinstance(result, (str, bytes)):
        raise TypeError(
            "the application returned %s; return an iterable of bytes such as [b'…']" % type(result).__name__
        )
    try:
        return iter(result)
    except TypeError:
        raise TypeError(
            "the application returned %r, which is not an iterable of bytes%s"
            % (result, _FACTORY_HINT if callable(result) else "")
        ) from None


def _check_block(block):
    if not isinstance(block, bytes):
        raise TypeError(
            "the application's blocks must be bytes, not %s: %.80r" % (type(block).__name__, block)
        )
