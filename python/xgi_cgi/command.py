"""What RUN says: one program to run."""

import json

from xgi_worker.frames import ProtocolError, decode_run


class Command:
    """Paths and arguments are bytes. `environ`: what the request adds to the base environ, as in the frame. `warm`: the
    interpreter from which `script` may be forked with `args`, or None. `body_file`: path of what becomes standard
    input, or None, which is `body`; with `more`, that is only its beginning.
    """

    __slots__ = ("path", "argv", "cwd", "warm", "script", "args", "body_file", "environ", "body", "more")

    def __init__(self, payload, more):
        self.more = more
        text, self.environ, self.body = decode_run(payload)
        try:
            value = json.loads(text)
            self.path = value["path"].encode("latin-1")
            self.argv = [argument.encode("latin-1") for argument in value["argv"]]
            self.cwd = value["cwd"].encode("latin-1")
            self.warm = _optional(value.get("warm"))
            self.script = value["script"].encode("latin-1") if self.warm is not None else None
            self.args = [argument.encode("latin-1") for argument in value.get("args") or ()]
            self.body_file = _optional(value.get("bodyFile"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProtocolError("bad-json", "RUN: %s: %s" % (type(error).__name__, error)) from None
        if more and self.body_file is not None:
            raise ProtocolError("bad-json", "RUN: a body in a file is complete")

    @property
    def has_body(self):
        return bool(self.body) or self.more or self.body_file is not None

    def environment(self, base):
        """The program's environment, a dict of bytes: `base`, with that of the request laid over it."""
        environment = base.copy()
        parts = self.environ.split(b"\0")
        environment.update(zip(parts[::2], parts[1::2]))
        return environment


def _optional(text):
    return None if text is None else text.encode("latin-1")
