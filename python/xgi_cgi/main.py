"""The process of the launcher: what it is born with, and how it ends."""

import gc

from xgi_worker.frames import ProtocolError
from xgi_worker.process import close_strangers, complain, describe_self

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
    close_strangers(_CHANNEL)
    _adopt_orphans()
    execution.ignore_signals()
    loop = Loop()
    launcher = Launcher(loop, Reaper(loop), describe_self())
    channel = Channel(loop, _CHANNEL, launcher.on_frame, launcher.on_end)
    # What is here now is here for good: no collection need look at it.
    gc.freeze()
    try:
        launcher.serve(channel)
    except ProtocolError as error:
        complain("launcher", "protocol error on the launcher's channel: %s" % error)
        launcher.stop()
        return _EXIT_PROTOCOL
    return 0


def _adopt_orphans():
    """What programs leave behind becomes ours to wait for, where the system can do that. Else it is left to process 1,
    which does not do it in many a container; and as long as a zombie is in a process group, that does not look ended.
    """
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (AttributeError, ImportError, OSError):
        pass
