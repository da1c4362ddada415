"""The process of the spawner: what it is born with, how it gives up root, and how it ends."""

import os
import signal
import socket

from xgi_worker import frames
from xgi_worker.process import close_strangers, complain, describe_self

from .identity import become_spawner
from .settings import Settings
from .spawner import Spawner

_CHANNEL = 3
"""The file descriptor of the connection to the gateway."""

_EXIT_PROTOCOL = 1


def main():
    """Returns the exit status."""
    close_strangers(_CHANNEL)
    # The channel decides when it ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    channel = socket.socket(fileno=_CHANNEL)
    try:
        _serve(channel)
    except frames.ProtocolError as error:
        complain("spawner", "protocol error on the spawner's channel: %s" % error)
        return _EXIT_PROTOCOL
    except ConnectionError:
        pass  # The gateway has gone.
    return 0


def _serve(channel):
    decoder = frames.Decoder(frames.TO_WORKER, frames.ZYGOTE_CHANNEL)
    received = []
    while not received:
        data = channel.recv(65536)
        if not data:
            return
        received += decoder.feed(data)
    hello = received.pop(0)
    if hello.kind != frames.HELLO:
        raise frames.ProtocolError("unknown-type", "%s before HELLO" % frames.RULES[hello.kind].name)
    settings = Settings(frames.decode_json(hello.payload))
    failure = _prepare(settings)
    if failure is not None:
        channel.sendall(frames.encode_error(0, 0, failure))
        return
    channel.sendall(frames.encode_json(frames.READY, describe_self()))
    Spawner(channel, decoder, received, settings).serve()


def _prepare(settings):
    """Gives up root. Returns what ERROR tells if that fails, or if the user cannot do what it has to; else None."""
    what = "become the user"
    try:
        become_spawner(settings.user, settings.gateway_uid)
        if settings.umask is not None:
            os.umask(settings.umask)
    except OSError as error:
        return _describe(what, error)
    for what, path, mode in settings.needs:
        # The effective ids are the user's.
        if not os.access(path, mode, effective_ids=True):
            return {"class": "EACCES", "message": "%s %s" % (what, os.fsdecode(path)), "traceback": ""}
    return None


def _describe(what, error):
    return {"class": "EPERM", "message": "%s: %s" % (what, error.strerror), "traceback": ""}
