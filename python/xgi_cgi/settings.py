"""What HELLO says. "Byte text" is a string with one character per byte (latin-1), so that any bytes travel in JSON."""

import collections
import os

from xgi_worker.frames import ProtocolError

from .limits import Limits

PROTOCOL = 1

User = collections.namedtuple("User", "uid gid groups body_uid body_gid")
"""Whom programs run as, and who may read the files of bodies."""


class Settings:
    """`environ`: dict of bytes, the environment of every program, under that of its request. `credit`: bytes of output
    that a run may send before it is given more. `kill_grace`: seconds from SIGTERM to SIGKILL. `stderr_bytes`: so much
    of the standard error of a run is passed on as it comes. `limits`: Limits. `umask`: int or None, which is as the
    launcher's. `user`: User or None, which is as the launcher. `preload`: names of modules, for zygotes.
    """

    def __init__(self, hello):
        _check(hello.get("protocol") == PROTOCOL, "protocol %r" % (hello.get("protocol"),))
        try:
            self.environ = {to_bytes(name): to_bytes(value) for name, value in hello["environ"].items()}
            self.credit = _number(hello["credit"])
            self.kill_grace = _number(hello["killGraceMs"]) / 1000
            self.stderr_bytes = _number(hello["stderrBytes"])
            self.limits = Limits(hello["limits"])
            self.umask = None if hello["umask"] is None else _number(hello["umask"])
            self.user = None if hello["user"] is None else _read_user(hello["user"])
            _check(self.user is None or os.geteuid() == 0, "HELLO: only root can run programs as another user")
            self.preload = [str(name) for name in hello["preload"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError("bad-json", "HELLO: %s: %s" % (type(error).__name__, error)) from None

    def apply(self):
        """To this process; programs inherit it."""
        if self.umask is not None:
            os.umask(self.umask)
        if self.user is not None:
            # Files of bodies are opened with the rights of their user, and so without those of our groups.
            os.setgroups([])


def to_bytes(text):
    """The bytes of a byte text. Raises ValueError if it is none."""
    return text.encode("latin-1")


def _read_user(value):
    return User(
        _number(value["uid"]),
        _number(value["gid"]),
        [_number(group) for group in value["groups"]],
        _number(value["bodyUid"]),
        _number(value["bodyGid"]),
    )


def _number(value):
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    _check(fits, "HELLO: %r is not a number" % (value,))
    return value


def _check(condition, detail):
    if not condition:
        raise ProtocolError("bad-json", detail)
