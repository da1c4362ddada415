"""What HELLO says."""

import collections

from xgi_worker.frames import ProtocolError

PROTOCOL = 1

User = collections.namedtuple("User", "uid gid account")
"""Whom workers run as. `account`: the name of that whose supplementary groups they have, or None for none."""


class Settings:
    """`user`: User. `gateway_uid`: who the gateway will be. `umask`: int or None, which is as it is. `argv`, `cwd`,
    `env`: of workers, in bytes. `needs`: (what, path, mode of access(2)), which the user has to be able to do.
    """

    def __init__(self, hello):
        if hello.get("protocol") != PROTOCOL:
            raise ProtocolError("bad-json", "protocol %r" % (hello.get("protocol"),))
        try:
            self.user = _read_user(hello["user"])
            self.gateway_uid = _number(hello["gatewayUid"])
            self.umask = None if hello["umask"] is None else _number(hello["umask"])
            self.argv = [_text(argument) for argument in hello["argv"]]
            self.cwd = _text(hello["cwd"])
            self.env = {_text(name): _text(value) for name, value in hello["env"].items()}
            self.needs = [(str(what), _text(path), _number(mode)) for what, path, mode in hello["needs"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError("bad-json", "HELLO: %s: %s" % (type(error).__name__, error)) from None


def _read_user(value):
    account = value["account"]
    return User(_number(value["uid"]), _number(value["gid"]), None if account is None else str(account))


def _text(value):
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("%r is not a text" % (value,))
    return value.encode("utf-8")


def _number(value):
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("%r is not a number" % (value,))
    return value
