"""Writes the data channel: collects what is to be sent, and sends it whole. Knows nothing of streams.

Two locks, always taken in this order: `_sending` (held while bytes go to the socket, so that two threads never
interleave their frames) and `lock` (the worker's lock: held for a moment to change the list). Both are re-entrant
because an application's destructor or signal handler may write to wsgi.errors at any bytecode, also inside these
methods.
"""

import threading

# Up to here one copy into one buffer is cheaper than a scatter write of many small ones.
_JOIN_BYTES = 32 * 1024
# Linux: IOV_MAX is 1024.
_SCATTER_BUFFERS = 512


class Outbox:
    """`pieces` is the list of bytes to send; change it only under `lock`, in place, and add to `size` as well.

    `flushes` counts the times the list was emptied: a piece can still be replaced while the count is what it was.
    """

    __slots__ = ("lock", "pieces", "size", "flushes", "_socket", "_sending", "_busy")

    def __init__(self, socket, lock):
        self.lock = lock
        self.pieces = []
        self.size = 0
        self.flushes = 0
        self._socket = socket
        self._sending = threading.RLock()
        self._busy = False

    def put(self, *pieces):
        """Adds frames, which belong together, to what is to be sent."""
        with self.lock:
            self.pieces += pieces
            self.size += sum(map(len, pieces))

    def flush(self):
        """Sends everything collected; returns when the kernel has it. Raises OSError when the channel is gone."""
        with self._sending:
            if self._busy:
                return
            self._busy = True
            try:
                while True:
                    with self.lock:
                        pieces = self.pieces[:]
                        size = self.size
                        if not pieces:
                            return
                        del self.pieces[:]
                        self.size = 0
                        self.flushes += 1
                    if size <= _JOIN_BYTES:
                        self._socket.sendall(b"".join(pieces))
                    else:
                        self._scatter(pieces)
                    # Seldom has a thread added something meanwhile; if it does so now, it flushes after us.
                    if not self.pieces:
                        return
            finally:
                self._busy = False

    def _scatter(self, pieces):
        pieces = [piece for piece in pieces if len(piece)]
        while pieces:
            sent = self._socket.sendmsg(pieces[:_SCATTER_BUFFERS])
            count = 0
            while count < len(pieces) and sent >= len(pieces[count]):
                sent -= len(pieces[count])
                count += 1
            del pieces[:count]
            if sent:
                pieces[0] = memoryview(pieces[0])[sent:]
