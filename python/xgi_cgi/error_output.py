"""Standard error of one program: the beginning is passed on as it comes, the rest is cut down to its last bytes.

It is always read, so that no program waits for it; what is not passed on is read slowly, so that endless output
costs the program time and not us.
"""

import os

from xgi_worker.frames import HEADER, STDERR

from .loop import READABLE

_READ_BYTES = 65536
_TAIL_BYTES = 4096
_PAUSE_SECONDS = 0.05
# As large as an ordinary user can make a pipe.
_REST_BYTES = 1024 * 1024


class ErrorOutput:
    """Owns `descriptor`. `dropped`: bytes that were read and will not be sent."""

    __slots__ = ("dropped", "_stream", "_loop", "_out", "_descriptor", "_watched", "_left", "_tail", "_finished")

    def __init__(self, stream, loop, out, descriptor, passed_bytes):
        self.dropped = 0
        self._stream = stream
        self._loop = loop
        self._out = out
        self._descriptor = descriptor
        self._watched = False
        self._left = passed_bytes
        self._tail = b""
        self._finished = False

    @property
    def is_open(self):
        """Somebody may still write there."""
        return self._descriptor is not None

    def start(self):
        self._loop.watch(self._descriptor, READABLE, self)
        self._watched = True

    def on_ready(self, events):
        if self._read() and not self._left:
            self._unwatch()
            self._loop.call_later(_PAUSE_SECONDS, self._resume)

    def finish(self):
        """The program has ended: sends the rest of what it wrote, and drops what its descendants will write."""
        budget = _REST_BYTES
        while budget > 0 and self._descriptor is not None:
            size = self._read()
            if not size:
                break
            budget -= size
        if self._tail:
            self._send(self._tail)
            self._tail = b""
        self._left = 0
        self._finished = True

    def close(self):
        if self._descriptor is not None:
            self._unwatch()
            os.close(self._descriptor)
            self._descriptor = None

    def _read(self):
        """Returns how many bytes there were; closes at the end."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self.close()
        return len(data)

    def _take(self, data):
        if self._finished:
            return
        if self._left:
            passed = data[: self._left]
            self._left -= len(passed)
            self._send(passed)
            data = data[len(passed) :]
        tail = self._tail + data
        if len(tail) > _TAIL_BYTES:
            self.dropped += len(tail) - _TAIL_BYTES
            tail = tail[-_TAIL_BYTES:]
        self._tail = tail

    def _send(self, data):
        self._out.append(HEADER.pack(len(data), self._stream, STDERR, 0, 0) + data)

    def _resume(self):
        if self._descriptor is None or self._watched:
            return
        try:
            self.start()
        except OSError:
            self._loop.call_later(_PAUSE_SECONDS, self._resume)

    def _unwatch(self):
        if self._watched:
            self._watched = False
            self._loop.forget(self._descriptor)
