"""Standard output of one program: read under credit and sent as DATA, then END."""

import os
from time import monotonic

from xgi_worker.frames import DATA, END, HEADER, MAX_SERVICE_TIME, U32

from .loop import READABLE

READ_BYTES = 65536
"""At most, of one descriptor in one turn of the loop."""


class Output:
    """Owns `descriptor`. Without credit it is not read, so that the program waits. ``on_output_end()`` of `run`
    follows the END.
    """

    __slots__ = ("_run", "_loop", "_out", "_descriptor", "_credit", "_watched")

    def __init__(self, run, loop, out, descriptor, credit):
        self._run = run
        self._loop = loop
        self._out = out
        self._descriptor = descriptor
        self._credit = credit
        self._watched = False

    def start(self):
        if self._credit:
            self._loop.watch(self._descriptor, READABLE, self)
            self._watched = True

    def on_ready(self, events):
        credit = self._credit
        try:
            data = os.read(self._descriptor, READ_BYTES if credit > READ_BYTES else credit)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        run = self._run
        if data:
            self._out.append(HEADER.pack(len(data), run.stream, DATA, 0, 0) + data)
            self._credit = credit - len(data)
            if not self._credit:
                self._unwatch()
            return
        self.close()
        elapsed = int((monotonic() - run.began) * 1000000)
        self._out.append(HEADER.pack(4, run.stream, END, 0, 0) + U32.pack(min(elapsed, MAX_SERVICE_TIME)))
        run.on_output_end()

    def grant(self, credit):
        self._credit += credit
        if not self._watched and self._descriptor is not None and credit:
            self.start()

    def close(self):
        """The program's next write fails. No END follows."""
        if self._descriptor is not None:
            self._unwatch()
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def is_open(self):
        return self._descriptor is not None

    def _unwatch(self):
        if self._watched:
            self._watched = False
            self._loop.forget(self._descriptor)
