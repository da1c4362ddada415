"""Notices the end of a process that is not a child of ours, by its pidfd (pidfd_open(2): Linux 5.3, Python 3.9)."""

import os

from .loop import READABLE

_open = getattr(os, "pidfd_open", None)


class ExitWatch:
    """Calls ``on_end()`` once, unless it is closed before. `is_blind`: that cannot be had, and it never will."""

    __slots__ = ("is_blind", "_loop", "_on_end", "_descriptor")

    def __init__(self, loop, pid, on_end):
        self.is_blind = True
        self._loop = loop
        self._on_end = on_end
        self._descriptor = None
        if _open is None:
            return
        try:
            descriptor = _open(pid)
        except OSError:
            return
        try:
            loop.watch(descriptor, READABLE, self)
        except OSError:
            os.close(descriptor)
            return
        self._descriptor = descriptor
        self.is_blind = False

    def on_ready(self, events):
        self.close()
        self._on_end()

    def close(self):
        if self._descriptor is not None:
            self._loop.forget(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
