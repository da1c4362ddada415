"""What the processes that only serve the gateway have in common: the launcher of programs, the spawner of workers."""

import os
import platform
import sys


def close_strangers(channel):
    """Closes whatever else was inherited: it would be held for as long as we live, and by all that we start.

    channel: the connection to the gateway, the highest descriptor that stays.
    """
    os.set_inheritable(channel, False)
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        if int(name) > channel:
            try:
                os.close(int(name))
            except OSError:
                pass  # that of the listing


def describe_self():
    """What READY tells."""
    return {
        "pid": os.getpid(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
    }


def complain(who, text):
    """Writes a line to standard error, which may not be there."""
    try:
        sys.stderr.write("xgi %s: %s\n" % (who, text))
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass
