"""What a zygote writes to its standard error: modules that are preloaded may have something to say."""

import os

from xgi_worker.frames import LEVEL_INFO

from .loop import READABLE

_READ_BYTES = 4096
_PAUSE_SECONDS = 0.05
_PASSED_BYTES = 65536


class ZygoteLog:
    """Owns `descriptor`. The beginning becomes LOG; the rest is read slowly, and dropped."""

    def __init__(self, host, descriptor):
        self._host = host
        self._descriptor = descriptor
        self._watched = False
        self._left = _PASSED_BYTES

    def start(self):
        os.set_blocking(self._descriptor, False)
        self._watch()

    def on_ready(self, events):
        # A message comes in several writes.
        self._unwatch()
        self._host.loop.call_later(_PAUSE_SECONDS, self._resume)

    def read(self):
        """Passes on what is there."""
        if self._descriptor is None:
            return
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        text = data[: self._left].decode("utf-8", "replace").rstrip("\n")
        self._left -= min(len(data), self._left)
        if text:
            self._host.log(LEVEL_INFO, text)
        if not data:
            self._unwatch()
            os.close(self._descriptor)
            self._descriptor = None

    def _resume(self):
        self.read()
        if self._descriptor is not None:
            self._watch()

    def _watch(self):
        try:
            self._host.loop.watch(self._descriptor, READABLE, self)
            self._watched = True
        except OSError:
            self._host.loop.call_later(_PAUSE_SECONDS, self._resume)

    def _unwatch(self):
        if self._watched:
            self._watched = False
            self._host.loop.forget(self._descriptor)
