"""Ends a process that imports the application for a gateway that has gone.

A worker has its control thread for that. The zygote must have no thread when it forks, so its guard ends with the
import.
"""

import os
import select
import socket
import threading

_EXIT_GATEWAY_GONE = 1


class Guard:
    """Watches `channel` between `with` and its end; reads nothing from it."""

    def __init__(self, channel):
        self._channel = channel
        self._thread = threading.Thread(target=self._watch, name="xgi-guard", daemon=True)
        self._waking, self._woken = socket.socketpair()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # A byte, not the end: what the application has forked meanwhile holds the pair open.
        self._waking.send(b"\0")
        self._thread.join()
        self._waking.close()
        self._woken.close()

    def _watch(self):
        poll = select.poll()
        # Asked for nothing, poll tells of the end alone; frames may lie there unread.
        poll.register(self._channel, 0)
        poll.register(self._woken, select.POLLIN)
        ended = [descriptor for descriptor, _ in poll.poll()]
        if self._channel.fileno() in ended:
            os._exit(_EXIT_GATEWAY_GONE)
