"""The start line: where a process of ours connects to, what it presents there, and what it is to be.

A spawned process reads it from standard input, a forked worker is given it by the zygote. Spec: docs/protocol.md.
"""

import socket

from . import frames

WORKER = "worker"
ZYGOTE = "zygote"

_SEND_BUFFER_BYTES = 1024 * 1024


class Start:
    """The object of a start line, checked. Raises ValueError for what is missing or of the wrong kind."""

    def __init__(self, value):
        if not isinstance(value, dict):
            raise ValueError("the start line is not an object")
        self.socket = _text(value.get("socket"), "socket")
        self.token = _text(value.get("token"), "token")
        self.role = value.get("role", WORKER)
        if self.role not in (WORKER, ZYGOTE):
            raise ValueError("role is %r; expected worker or zygote" % (self.role,))
        self.stderr = value.get("stderr")
        """The path of the FIFO to make, or None."""
        if self.stderr is not None:
            _text(self.stderr, "stderr")

    def connect(self, channel):
        """Opens `channel` and presents the token on it. Raises OSError; the caller closes what it returns."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self.socket)
        if channel == frames.DATA_CHANNEL:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        connection.sendall(frames.encode_auth(self.token, channel))
        return connection


def _text(value, name):
    if not isinstance(value, str) or not value or "\0" in value:
        # Not quoted: it may be the token.
        raise ValueError("%s of the start line is not a text" % name)
    return value
