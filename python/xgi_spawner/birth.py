"""From the fork to the program of a worker."""

import os
import signal

from .identity import become_worker

# What the spawner ignores, and what Python does; a worker finds the default.
_RESET = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)

_MAX_REPORT_BYTES = 4096


def spawn(settings, line):
    """Starts a worker that reads `line` (bytes) from its standard input. Returns its process id once it is executed.
    Raises OSError.
    """
    opened = []
    try:
        reader, writer = os.pipe()
        opened += (reader, writer)
        # A pipe holds more than any start line has.
        os.write(writer, line)
        report, reporter = os.pipe()
        opened += (report, reporter)
        pid = os.fork()
        if pid == 0:
            _become(settings, reader, reporter)
        os.close(reporter)
        opened.remove(reporter)
        # Ends when the program is executed.
        failure = os.read(report, _MAX_REPORT_BYTES)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    if failure:
        os.waitpid(pid, 0)
        raise OSError(failure.decode("utf-8", "replace"))
    return pid


def _become(settings, stdin, report):
    """Never returns."""
    what = "become the user"
    try:
        become_worker(settings.user)
        for number in _RESET:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(stdin, 0)
        what = "enter the folder %s" % os.fsdecode(settings.cwd)
        os.chdir(settings.cwd)
        what = "execute %s" % os.fsdecode(settings.argv[0])
        os.execve(settings.argv[0], settings.argv, settings.env)
    except BaseException as error:
        reason = getattr(error, "strerror", None) or error
        os.write(report, ("cannot %s: %s" % (what, reason)).encode("utf-8", "replace")[:_MAX_REPORT_BYTES])
    finally:
        os._exit(127)
