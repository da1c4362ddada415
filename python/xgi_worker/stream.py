"""An answer that takes more than one frame: waits for credit and for FILE_ACK, and keeps its frames whole.

Knows nothing of WSGI. While one of its methods runs, an interrupt is held back (`slot.pause`), and so never cuts a
frame in two.
"""

from . import frames

# Small enough for the gateway to pass on soon, large enough that the 12 bytes and the system call do not show.
_MAX_DATA = 256 * 1024


class ClientDisconnected(ConnectionError):
    """The client has gone (or the gateway has): nothing that this request sends will arrive."""


def flush_or_lose(worker):
    """Sends what is collected. Raises ClientDisconnected when the gateway has gone."""
    try:
        worker.outbox.flush()
    except OSError as error:
        worker.lose()
        raise ClientDisconnected("the gateway has gone") from error


class WholeAnswer:
    """An answer whose one frame goes out before the application is asked for more, or closed; only its end is missing.

    Flask's and Django's answers are such: an iterable of one block, as long as its Content-Length says. Takes the place
    of a `Stream`, without its accounts of credit.
    """

    __slots__ = ("_id", "_outbox", "_index", "_flushes", "_head", "_length")

    def __init__(self, slot, head, body, flush):
        """Without `flush` the frame stays in the outbox, where `RECALL` or the next flush finds it. The caller knows it
        to fit one frame and the credit."""
        slot.pause()
        try:
            self._id = slot.stream
            self._head = head
            self._length = length = len(body)
            self._outbox = outbox = slot.worker.outbox
            start = frames.encode_head(slot.stream, head, length)
            with outbox.lock:
                pieces = outbox.pieces
                self._index = len(pieces)
                self._flushes = outbox.flushes
                pieces.append(start)
                pieces.append(body)
                outbox.size += len(start) + length
            if flush:
                flush_or_lose(slot.worker)
        finally:
            slot.resume()

    def send(self, body):
        """Nothing is left to be sent: `body` is empty."""

    def end(self, service_time):
        """The bytes that end the answer, to be sent next; none if the end could still be put into the frame."""
        outbox = self._outbox
        with outbox.lock:
            if outbox.flushes == self._flushes:
                outbox.pieces[self._index] = frames.encode_head(
                    self._id, self._head, self._length, service_time, last=True
                )
                return b""
        return frames.encode_end(self._id, service_time)


class Stream:
    """Made when the first frame of such an answer is sent, in the thread of `slot`, for the request it holds."""

    __slots__ = ("_slot", "_worker", "_outbox", "_id", "credit", "file_taken")

    def __init__(self, slot):
        self._slot = slot
        self._worker = slot.worker
        self._outbox = slot.worker.outbox
        self._id = slot.stream
        self.credit = slot.worker.credit
        """Changed by the control thread, under the worker's lock, as is `file_taken`."""
        self.file_taken = None
        slot.credited = self

    def begin(self, head, body=b""):
        """Sends the head and then `body`, as credit allows."""
        self._slot.pause()
        try:
            body = memoryview(body)
            with self._worker.lock:
                count = min(len(body), self.credit, _MAX_DATA)
                self.credit -= count
            self._outbox.put(frames.encode_head(self._id, head, count), body[:count])
            flush_or_lose(self._worker)
            self._send(body[count:])
        finally:
            self._slot.resume()

    def send(self, body):
        """Sends body bytes, waiting for credit. Raises ClientDisconnected."""
        self._slot.pause()
        try:
            self._send(memoryview(body))
        finally:
            self._slot.resume()

    def send_file(self, length, file):
        """Offers `length` bytes of a RegularFile to the gateway; returns its word, whether it has taken them."""
        self._slot.pause()
        try:
            with self._worker.lock:
                self.file_taken = None
            self._outbox.put(frames.encode_file(self._id, length, file))
            flush_or_lose(self._worker)
            with self._worker.lock:
                while self.file_taken is None:
                    self._check()
                    self._worker.changed.wait()
                return self.file_taken
        finally:
            self._slot.resume()

    def end(self, service_time):
        """The bytes that end the answer, to be sent next."""
        return frames.encode_end(self._id, service_time)

    def check(self):
        """Raises ClientDisconnected if there is nobody to send to."""
        if self._slot.aborted == self._id:
            raise ClientDisconnected("the client has gone")
        if self._worker.gone:
            raise ClientDisconnected("the gateway has gone")

    def _check(self):
        self.check()
        if self._slot.interrupt == self._id:
            self._slot.time_out()

    def _send(self, body):
        while len(body):
            with self._worker.lock:
                self._check()
                while self.credit <= 0:
                    self._worker.changed.wait()
                    self._check()
                count = min(len(body), self.credit, _MAX_DATA)
                self.credit -= count
            self._outbox.put(frames.encode_data(self._id, count), body[:count])
            flush_or_lose(self._worker)
            body = body[count:]
