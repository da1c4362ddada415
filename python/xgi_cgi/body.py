"""Standard input of one program, if its pipe is smaller than the body: the rest is written as the program reads."""

import os

from .loop import WRITABLE


class Body:
    """Owns `descriptor`, and closes it when all is written or nobody reads any more."""

    __slots__ = ("_loop", "_descriptor", "_rest", "_watched")

    def __init__(self, loop, descriptor, rest):
        self._loop = loop
        self._descriptor = descriptor
        self._rest = rest
        self._watched = False

    def start(self):
        self._loop.watch(self._descriptor, WRITABLE, self)
        self._watched = True

    def on_ready(self, events):
        try:
            self._rest = self._rest[os.write(self._descriptor, self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not self._rest:
            self.close()

    def close(self):
        if self._descriptor is not None:
            if self._watched:
                self._loop.forget(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
