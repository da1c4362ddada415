"""Why a program could not be started, as ERROR tells it."""

import errno
import os


class StartFailure(Exception):
    """`name`: the error's, as in errno.h, or that of a Python exception. `message`: what was tried, and why not."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name
        self.message = message

    def fields(self):
        """The object of ERROR."""
        return {"class": self.name, "message": self.message, "traceback": ""}


def describe(error, attempt):
    """The StartFailure for `error` (OSError or any other exception) in doing `attempt`, as in "execute /path"."""
    number = getattr(error, "errno", None)
    if number is None:
        return StartFailure(type(error).__name__, "cannot %s: %s" % (attempt, error))
    return StartFailure(errno.errorcode.get(number, "OSError"), "cannot %s: %s" % (attempt, os.strerror(number)))
