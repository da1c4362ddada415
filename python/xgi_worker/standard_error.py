"""Standard error as a FIFO of this process's own, which the gateway reads.

A pipe made by Node would be a pair of sockets, which a program cannot open as /dev/stderr; and a forked worker needs
another one than its zygote has.
"""

import os
import sys


class StandardError:
    """Moves file descriptor 2 to a FIFO. Call `settle` once the gateway reads it, or `revert` if it never will.

    Until then the reading end is open here: opening the writing end does not wait, and nothing written is lost.
    """

    def __init__(self):
        self._reader = None
        self._inherited = None

    def move(self, path):
        """Makes the FIFO `path`; nothing if that is None. Never raises: what is wrong is said on the inherited one."""
        if path is None:
            return
        _flush()
        try:
            os.mkfifo(path, 0o600)
            # For a gateway that is another user, whose group the folder then gives it; whatever the umask.
            os.chmod(path, 0o640)
            self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            writer = os.open(path, os.O_WRONLY)
            try:
                self._inherited = os.dup(2)
                os.dup2(writer, 2)
            finally:
                os.close(writer)
        except OSError as error:
            self.settle()
            complain("standard error stays as it was, the FIFO cannot be made: %s" % error)

    def settle(self):
        """The gateway reads the FIFO."""
        for descriptor in (self._reader, self._inherited):
            if descriptor is not None:
                os.close(descriptor)
        self._reader = self._inherited = None

    def revert(self):
        """The gateway will not read it: standard error is again what it was, unless it has been settled."""
        if self._inherited is not None:
            _flush()
            os.dup2(self._inherited, 2)
        self.settle()


def complain(text):
    """Writes a line about us. Never raises."""
    try:
        sys.stderr.write("xgi worker: %s\n" % text.rstrip("\n"))
    except (AttributeError, OSError, ValueError):
        pass
    _flush()


def _flush():
    try:
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass
