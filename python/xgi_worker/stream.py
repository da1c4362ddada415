"""An answer that takes more than one frame: waits for credit and for FILE_ACK, and keeps its frames whole.

Knows nothing of WSGI. While one of its methods runs, an interrupt is held back (`slot.pause`), and so never cuts a
frame in two.
"""

from . import frames

# Small enough for the gateway to pass on soon, large enough that the 12 bytes and the system call do not show.
_MAX_DATA = 256 * 1024


class ClientDisconnected(ConnectionError):
    """The client has gone (or the gateway has): nothing that this request sends will arrive."""


class Stream:
    """Made when the first frame of such an answer is sent, in the thread of `slot`, for the request it holds."""

    __slots__ = ("_slot", "_worker", "_outbox", "_id", "_replaceable", "credit", "file_taken")

    def __init__(self, slot):
        self._slot = slot
        self._worker = slot.worker
        self._outbox = slot.worker.outbox
        self._id = slot.stream
        self._replaceable = None
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
            self._flush()
            self._send(body[count:])
        finally:
            self._slot.resume()

    def begin_complete(self, head, body, flush):
        """Sends the head and the whole `body`, which the caller knows to fit one frame and the credit.

        Without `flush` it stays in the outbox, where `RECALL` or the next flush finds it; if `end` comes first, the
        answer is one frame after all.
        """
        self._slot.pause()
        try:
            start = frames.encode_head(self._id, head, len(body))
            outbox = self._outbox
            with self._worker.lock:
                self.credit -= len(body)
                self._replaceable = (len(outbox.pieces), outbox.flushes, head, len(body))
                outbox.put(start, body)
            if flush:
                self._flush()
        finally:
            self._slot.resume()

    def send(self, body):
        """Sends body bytes, waiting for credit. Raises ClientDisconnected."""
        self._slot.pause()
        try:
            self._send(memoryview(body))
        finally:
            self._slot.resume()

    def send_file(self, offset, length, device, inode, path):
        """Offers a file to the gateway and waits for its word; returns whether it has taken it."""
        self._slot.pause()
        try:
            with self._worker.lock:
                self.file_taken = None
            self._outbox.put(frames.encode_file(self._id, offset, length, device, inode, path))
            self._flush()
            with self._worker.lock:
                while self.file_taken is None:
                    self._check()
                    self._worker.changed.wait()
                return self.file_taken
        finally:
            self._slot.resume()

    def end(self, service_time):
        """The bytes that end the answer, to be sent next; none if the end could still be put into the head's frame."""
        if self._replaceable is not None:
            index, flushes, head, length = self._replaceable
            with self._worker.lock:
                if self._outbox.flushes == flushes:
                    self._outbox.pieces[index] = frames.encode_head(
                        self._id, head, length, service_time, last=True
                    )
                    return b""
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
            self._flush()
            body = body[count:]

    def _flush(self):
        try:
            self._outbox.flush()
        except OSError as error:
            self._worker.lose()
            raise ClientDisconnected("the gateway has gone") from error
