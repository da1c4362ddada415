"""The connection to the gateway: frames in, frames out, all of one turn of the loop in one send."""

import socket

from xgi_worker import frames

from .loop import READABLE, WRITABLE

_READ_BYTES = 65536
_SEND_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)


class Channel:
    """Owns the socket. ``on_frame(frame)`` is called for each frame, ``on_end()`` once if the gateway has gone.

    `out` is a list of encoded frames; who has one to send appends it. What the gateway does not take at once is kept;
    it is bounded, because standard output goes by credit and of standard error only so much is passed on.
    """

    def __init__(self, loop, descriptor, on_frame, on_end):
        self.out = []
        self._loop = loop
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        self._on_frame = on_frame
        self._on_end = on_end
        self._decoder = frames.Decoder(frames.TO_WORKER, frames.LAUNCHER_CHANNEL)
        self._unsent = None
        self._ended = False
        loop.watch(descriptor, READABLE, self)

    def on_ready(self, events):
        if events & WRITABLE and self._unsent is not None:
            self._send(self._unsent)
        if events & ~WRITABLE and not self._ended:
            self._read()

    def flush(self):
        """Sends what has been appended to `out`, after what is left from before."""
        out = self.out
        if out and self._unsent is None:
            data = out[0] if len(out) == 1 else b"".join(out)
            out.clear()
            self._send(data)

    @property
    def is_flushed(self):
        return self._ended or (self._unsent is None and not self.out)

    def _read(self):
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        for frame in self._decoder.feed(data):
            self._on_frame(frame)

    def _send(self, data):
        if self._ended:
            self._unsent = None
            return
        try:
            sent = self._socket.send(data, _SEND_FLAGS)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._end()
            return
        if sent < len(data):
            if self._unsent is None:
                self._loop.change(self._socket.fileno(), READABLE | WRITABLE)
            self._unsent = memoryview(data)[sent:]
        elif self._unsent is not None:
            self._unsent = None
            self._loop.change(self._socket.fileno(), READABLE)
            self.flush()

    def _end(self):
        self._ended = True
        self._unsent = None
        self._loop.forget(self._socket.fileno())
        self._socket.close()
        self._on_end()
