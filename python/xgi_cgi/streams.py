"""The descriptors of a run: what the program gets as 0, 1 and 2, and the other ends.

Outputs are real pipes, so that a program can open /dev/stdout; the input is /dev/null, a pipe or the file of the body.
Our ends do not block: a program can read its own output from /dev/stdout before we do.
"""

import errno
import fcntl
import os
import stat
import sys

_F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", 1031 if sys.platform == "linux" else None)
_WIDE_BYTES = 262144
_BODY_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class _Null:
    """The null device, open for all programs without a body."""

    descriptor = None

    @classmethod
    def open(cls):
        if cls.descriptor is None:
            cls.descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        return cls.descriptor


class Streams:
    """`child`: the three descriptors of the program. `own`: those of them that are nobody else's, to be closed with
    `release` when it has them. `output` and `errors`: the reading ends. `body`: the writing end, if there is more to
    write, and `body_rest` what did not fit into the pipe; or None.

    Raises OSError, and has then closed everything.
    """

    __slots__ = ("child", "own", "output", "errors", "body", "body_rest")

    def __init__(self, command, user):
        opened = []
        try:
            self.body = self.body_rest = None
            if command.body_file is not None:
                stdin = _open_body_file(command.body_file, user)
                opened.append(stdin)
            elif command.has_body:
                stdin, writer = os.pipe()
                opened += (stdin, writer)
                os.set_blocking(writer, False)
                if command.more:
                    _widen(writer)
                self._fill(writer, command)
                if self.body is None:
                    opened.remove(writer)
            else:
                stdin = _Null.open()
            self.output, stdout = os.pipe()
            opened += (self.output, stdout)
            self.errors, stderr = os.pipe()
            opened += (self.errors, stderr)
            os.set_blocking(self.output, False)
            os.set_blocking(self.errors, False)
            if user is not None:
                _give(user, stdin if command.has_body and command.body_file is None else None, stdout, stderr)
            self.child = self.own = (stdin, stdout, stderr)
            if stdin == _Null.descriptor:
                self.own = (stdout, stderr)
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise

    def _fill(self, writer, command):
        body = command.body
        written = os.write(writer, body)
        if written == len(body) and not command.more:
            os.close(writer)
        else:
            self.body = writer
            self.body_rest = memoryview(body)[written:]

    def release(self):
        """Closes what the program has, or never will."""
        for descriptor in self.own:
            os.close(descriptor)
        self.child = self.own = ()


def _widen(pipe):
    """So that whoever fills it need not wake up for each piece that is read. What is not granted is done without."""
    if _F_SETPIPE_SZ is not None:
        try:
            fcntl.fcntl(pipe, _F_SETPIPE_SZ, _WIDE_BYTES)
        except OSError:
            pass


def _give(user, stdin, *outputs):
    """A pipe can be opened again, as /dev/stdout, only by whom it belongs to."""
    for descriptor in outputs if stdin is None else (stdin, *outputs):
        os.fchown(descriptor, user.uid, user.gid)


def _open_body_file(path, user):
    """Opened with the rights of those who may read it: the path comes from a process that is perhaps not root."""
    if user is None:
        descriptor = os.open(path, _BODY_FLAGS)
    else:
        group = os.getegid()
        os.setegid(user.body_gid)
        try:
            os.seteuid(user.body_uid)
            descriptor = os.open(path, _BODY_FLAGS)
        finally:
            os.seteuid(0)
            os.setegid(group)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    os.set_blocking(descriptor, True)
    return descriptor
