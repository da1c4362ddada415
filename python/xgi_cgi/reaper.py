"""Waiting for child processes: SIGCHLD wakes the loop, which asks for all that have ended."""

import os
import signal

from .loop import READABLE


class Reaper:
    """Tells who expects a process of its end: ``on_exit(status)``, with the status of waitpid(2)."""

    def __init__(self, loop):
        self._expected = {}
        self._descriptor, wakeup = os.pipe()
        os.set_blocking(self._descriptor, False)
        os.set_blocking(wakeup, False)
        signal.signal(signal.SIGCHLD, _wake)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        loop.watch(self._descriptor, READABLE, self)

    def expect(self, pid, owner):
        """To be called before the next turn of the loop after `pid` was made."""
        self._expected[pid] = owner

    def on_ready(self, events):
        try:
            os.read(self._descriptor, 4096)
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            owner = self._expected.pop(pid, None)
            if owner is not None:
                owner.on_exit(status)


def _wake(signum, frame):
    """That there is a handler has the number written to the wakeup descriptor."""
