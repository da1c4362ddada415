"""Executing a program: by posix_spawn, or, if it is to have limits or another user, by fork and exec."""

import errno
import os
import signal
from collections import namedtuple

from .failure import describe

Execution = namedtuple("Execution", "path argv environment cwd descriptors")
"""`descriptors`: what the program gets as 0, 1, …, and no others; all are above the last of these numbers."""

# What this process ignores, and what Python does; a program finds the default.
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_RESET = (*_IGNORED, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
# All of them: each that is not named, glibc looks at in the child, which is 116 system calls, and posix_spawn took
# 75 us instead of 65.
_ALL = tuple(sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}))

_LIMITS, _USER, _DIRECTORY, _EXECUTE = range(4)


def ignore_signals():
    """The channel decides when the launcher ends. What was ignored when it started is the default from now on."""
    for number in range(1, signal.NSIG):
        try:
            if signal.getsignal(number) == signal.SIG_IGN and number not in _RESET:
                signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass  # not a signal's number
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def spawn(execution):
    """Returns the process id; the program leads a process group of its own. Raises StartFailure."""
    try:
        os.chdir(execution.cwd)
    except (OSError, ValueError) as error:
        raise describe(error, _attempt(_DIRECTORY, execution)) from None
    actions = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(execution.descriptors)]
    try:
        return os.posix_spawn(
            execution.path,
            execution.argv,
            execution.environment,
            file_actions=actions,
            setpgroup=0,
            setsigdef=_ALL,
            setsigmask=(),
        )
    except (OSError, ValueError) as error:
        raise describe(error, _attempt(_EXECUTE, execution)) from None


def fork(execution, limits, user):
    """Returns (process id, descriptor): the descriptor ends when the program is executed; before that comes what
    `read_report` reads if it cannot be. Raises StartFailure if there is no process.
    """
    try:
        reader, writer = os.pipe()
        try:
            os.set_blocking(reader, False)
            pid = os.fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
    except OSError as error:
        raise describe(error, "start a process") from None
    if pid == 0:
        _become(execution, limits, user, writer)
    os.close(writer)
    try:
        # As the child does; whoever comes first.
        os.setpgid(pid, pid)
    except OSError:
        pass
    return pid, reader


def read_report(report, execution):
    """The StartFailure that `report` (bytes) tells of."""
    stage, _, number = report.partition(b" ")
    error = OSError(int(number), "")
    return describe(error, _attempt(int(stage), execution))


def _become(execution, limits, user, report):
    """Never returns."""
    stage = _LIMITS
    try:
        os.setpgid(0, 0)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        if limits is not None:
            limits.apply()
        stage = _USER
        if user is not None:
            become_user(user)
        stage = _DIRECTORY
        os.chdir(execution.cwd)
        stage = _EXECUTE
        for target, source in enumerate(execution.descriptors):
            os.dup2(source, target)
        os.execve(execution.path, execution.argv, execution.environment)
    except BaseException as error:
        os.write(report, b"%d %d" % (stage, _number_of(error)))
    finally:
        os._exit(127)


def become_user(user):
    """For good: the real, the effective and the saved ids."""
    os.setgroups(user.groups)
    os.setgid(user.gid)
    os.setuid(user.uid)


def _number_of(error):
    if isinstance(error, OSError) and error.errno:
        return error.errno
    return errno.ENOMEM if isinstance(error, MemoryError) else errno.EINVAL


def _attempt(stage, execution):
    if stage == _LIMITS:
        return "set the limits"
    if stage == _USER:
        return "become the user"
    path = execution.cwd if stage == _DIRECTORY else execution.path
    return "%s %s" % ("enter the folder" if stage == _DIRECTORY else "execute", os.fsdecode(path))
