"""The zygotes, one for each interpreter: started when a run first wants one, replaced when they die."""

import os
import re
from time import monotonic

from xgi_worker.frames import LEVEL_WARNING

from .zygote_process import ZygoteProcess

_MAX_ZYGOTES = 16
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30
_SOUND_SECONDS = 30
"""After a zygote that has lived for so long, the pauses begin anew."""

# What an interpreter, the loader of libraries and the C library look at when they start.
_STARTUP = re.compile(
    rb"PYTHON|__PYVENV|LC_|LANG|LD_|DYLD_|MALLOC_|GLIBC_|HOME$|TZ$|TZDIR$|LOCPATH$|NLSPATH$|GCONV_PATH$"
)
_MAYBE_STARTUP = re.compile(rb"(?:^|\0)(?:" + _STARTUP.pattern.replace(b"$", b"\\0") + rb")")


class Zygotes:
    """`host` is the Launcher."""

    def __init__(self, host):
        self._host = host
        self._places = {}
        self._processes = set()
        """Also those that take no more runs."""

    def start(self, run):
        """Has `run` forked from a zygote; False if it has to be executed."""
        command = run.command
        place = self._places.get(command.warm)
        if place is None:
            if len(self._places) >= _MAX_ZYGOTES:
                return False
            place = self._places[command.warm] = _Place()
        if place.zygote is None and place.is_free():
            self._launch(command.warm, place)
        zygote = place.zygote
        return (
            zygote is not None
            and zygote.is_ready
            and not _changes_startup(command.environ, self._host.settings.environ)
            and zygote.start(run)
        )

    def reload(self):
        """Gives up all zygotes; what they run is not disturbed."""
        places, self._places = self._places, {}
        for place in places.values():
            if place.zygote is not None:
                place.zygote.retire()

    def kill(self):
        for zygote in self._processes:
            zygote.kill()

    def _launch(self, interpreter, place):
        place.zygote = zygote = ZygoteProcess(self._host, interpreter, self)
        self._processes.add(zygote)
        zygote.launch()

    # From the zygotes.

    def on_lost(self, zygote, reason, hopeless):
        name = os.fsdecode(zygote.interpreter)
        place = self._places.get(zygote.interpreter)
        if place is not None and place.zygote is zygote:
            place.leave(hopeless)
        until = "until a reload" if hopeless else "for a while"
        text = "scripts of %s are executed each time %s, for want of a warm interpreter: %s"
        self._host.log(LEVEL_WARNING, text % (name, until, reason))

    def on_gone(self, zygote):
        self._processes.discard(zygote)


class _Place:
    """The zygote of one interpreter, and when there may be another one."""

    def __init__(self):
        self.zygote = None
        self._unfit = False
        self._pause = _FIRST_PAUSE_SECONDS
        self._not_before = 0

    def is_free(self):
        return not self._unfit and monotonic() >= self._not_before

    def leave(self, hopeless):
        self._unfit = hopeless
        if self.zygote.age > _SOUND_SECONDS:
            self._pause = _FIRST_PAUSE_SECONDS
        self.zygote = None
        self._not_before = monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)


def _changes_startup(environ, base):
    """Whether the environment of a request, as in RUN, would have made the interpreter start differently."""
    if _MAYBE_STARTUP.search(environ) is None:
        return False
    parts = environ.split(b"\0")
    return any(
        _STARTUP.match(name) and base.get(name) != value for name, value in zip(parts[::2], parts[1::2])
    )
