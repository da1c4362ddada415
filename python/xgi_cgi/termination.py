"""Ending one program: SIGTERM to its process group, and SIGKILL after the grace to what is left of it."""

import signal

from . import groups

_LOOK_SECONDS = 0.05


class Termination:
    """``on_gone()`` is called once: when the leader was waited for, and its group has ended or was killed.

    `user`: see groups.send. Tell it with `on_exit` that the leader was waited for.
    """

    def __init__(self, loop, pid, reaped, user, on_gone):
        self._loop = loop
        self._pid = pid
        self._reaped = reaped
        self._user = user
        self._on_gone = on_gone
        self._killed = False
        self._over = False

    def start(self, grace):
        groups.send(self._pid, self._reaped, signal.SIGTERM, self._user)
        self._loop.call_later(grace, self._kill)
        if self._reaped:
            self._look()

    def on_exit(self):
        self._reaped = True
        self._look()

    def _kill(self):
        if self._over:
            return
        self._killed = True
        groups.send(self._pid, self._reaped, signal.SIGKILL, self._user)
        if self._reaped:
            self._end()

    def _look(self):
        if self._over:
            return
        if self._killed or not groups.exists(self._pid, True):
            self._end()
        else:
            self._loop.call_later(_LOOK_SECONDS, self._look)

    def _end(self):
        self._over = True
        self._on_gone()
