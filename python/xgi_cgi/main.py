"""The process of the launcher: what it is born with, and how it ends."""

import gc
import os
import platform
import sys

from xgi_worker.frames import ProtocolError

from . import execution
from .channel import Channel
from .launcher import Launcher
from .loop import Loop
from .reaper import Reaper

_CHANNEL = 3
"""The file descriptor of the connection to the gateway."""

_EXIT_PROTOCOL = 1
_PR_SET_CHILD_SUBREAPER = 36
"""Of prctl(2), Linux."""


def main():
    """Returns the exit status."""
    _close_strangers()
    _adopt_orphans()
    execution.ignore_signals()
    loop = Loop()
    launcher = Launcher(loop, Reaper(loop), _describe_self())
    channel = Channel(loop, _CHANNEL, launcher.on_frame, launcher.on_end)
    # What is here now is here for good: no collection need look at it.
    gc.freeze()
    try:
        launcher.serve(channel)
    except ProtocolError as error:
        _complain("protocol error on the launcher's channel: %s" % error)
        launcher.stop()
        return _EXIT_PROTOCOL
    return 0


def _close_strangers():
    """Whatever else was inherited would be held for as long as we live."""
    os.set_inheritable(_CHANNEL, False)
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        if int(name) > _CHANNEL:
            try:
                os.close(int(name))
            except OSError:
                pass  # that of the listing


def _adopt_orphans():
    """What programs leave behind becomes ours to wait for, where the system can do that. Else it is left to process 1,
    which does not do it in many a container; and as long as a zombie is in a process group, that does not look ended.
    """
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (AttributeError, ImportError, OSError):
        pass


def _describe_self():
    return {
        "pid": os.getpid(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
    }


def _complain(text):
    try:
        sys.stderr.write("xgi launcher: %s\n" % text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass
