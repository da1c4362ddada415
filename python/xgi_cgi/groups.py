"""Signals to the process groups of programs.

A process id may belong to another process as soon as its own was waited for, and the id of a group as soon as the
group has no process. What is certain: while a group has processes, no new process gets its id. So when the leader
is *reaped*, the group is still the one that we mean only if there is a group of that id, but no process.
"""

import os
import signal

from .execution import become_user


def exists(pid, reaped):
    """Whether the group that `pid` leads, or has led if it is `reaped`, has processes."""
    return not reaped or (not _is_process(pid) and _has_members(pid))


def send(pid, reaped, signum, user=None):
    """Signals the group; with `user`, only what that user may signal, because one of its processes told us `pid`."""
    if not exists(pid, reaped):
        return
    if user is None:
        _send(pid, reaped, signum)
        return
    try:
        helper = os.fork()
    except OSError:
        return  # The grace ends with another signal.
    if helper == 0:
        try:
            become_user(user)
            _send(pid, reaped, signum)
        finally:
            os._exit(0)


def is_gone(pid):
    """Whether `pid`, the child of another process that has died, has ended: for nobody tells us."""
    if not _is_process(pid):
        return True
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            # After the name, which is in parentheses and may hold any character.
            return file.read().rpartition(b") ")[2][:1] in (b"Z", b"X")
    except OSError:
        return False


def _send(pid, reaped, signum):
    try:
        os.killpg(pid, signum)
    except PermissionError:
        pass
    except ProcessLookupError:
        if reaped:
            return
    # A program may have left its group.
    if not reaped and signum == signal.SIGKILL:
        try:
            os.kill(pid, signum)
        except OSError:
            pass


def _is_process(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _has_members(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
