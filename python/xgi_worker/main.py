"""The life of a worker: connect twice, learn the settings, load the application, serve, exit.

Reads one line of JSON on standard input, which becomes /dev/null before the application sees it. Exit status: 0
after DRAIN, SIGTERM or the end of the channel; 1 if the gateway cannot be reached or breaks the protocol; 3 if the
application cannot be loaded.
"""

import gc
import json
import os
import socket
import sys

from . import failure, frames, loader, serve, signals, threads
from .control import Control
from .file_wrapper import FileWrapper
from .inbox import Inbox
from .request import MAX_WHOLE
from .state import open_words
from .worker import Settings, Worker, close_in_forks

_EXIT_PROTOCOL = 1
_EXIT_NOT_LOADED = 3
_SEND_BUFFER_BYTES = 1024 * 1024


def main():
    """Returns the exit status."""
    try:
        start = json.loads(sys.stdin.buffer.readline().decode("utf-8"))
        _prepare_streams()
        data, control = _connect(start, frames.DATA_CHANNEL), _connect(start, frames.CONTROL_CHANNEL)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _complain(
            "cannot reach the gateway (%s: %s); this program is started by xgi"
            % (type(error).__name__, error)
        )
    inbox = Inbox(data)
    try:
        hello = inbox.receive_frame()
        if hello is None:
            return 0
        if hello.kind != frames.HELLO:
            raise frames.ProtocolError("unknown-type", "%s before HELLO" % frames.RULES[hello.kind].name)
        worker = Worker(data, Settings(frames.decode_json(hello.payload)))
        return _run(worker, inbox, data, control)
    except frames.ProtocolError as error:
        return _complain("protocol error on the data channel: %s" % error)
    except OSError as error:
        return _complain("lost the gateway (%s: %s)" % (type(error).__name__, error))


def _run(worker, inbox, data, control):
    settings = worker.settings
    if settings.threads == 1:
        serve.prepare(worker)
    close_in_forks(worker, (data, control))
    listener = Control(worker, inbox, control, data)
    signals.install(worker, inbox, listener.wakeup)
    listener.start()
    worker.words = open_words(settings.state_file, settings.threads)
    worker.environ = _base_environ(settings)
    worker.max_whole = min(settings.credit, MAX_WHOLE)
    sys.path[:0] = settings.search_path
    try:
        worker.application = loader.load(settings.target)
    except loader.LoadError as error:
        if error.cause is None:
            failed = failure.describe_refusal(error, error.hint)
        else:
            failed = failure.describe(error.cause, error.hint)
        worker.outbox.put(frames.encode_error(0, 0, failed))
        worker.outbox.flush()
        return _EXIT_NOT_LOADED
    # What the application made while it was imported lives as long as the process: full collections need not walk it.
    gc.collect()
    getattr(gc, "freeze", lambda: None)()
    worker.serving = True
    worker.outbox.put(frames.encode_json(frames.READY, _ready()))
    worker.outbox.flush()
    if settings.threads == 1:
        serve.serve(worker, inbox)
    else:
        threads.Pool(worker, inbox).serve()
    return 0


def _connect(start, channel):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(start["socket"])
    if channel == frames.DATA_CHANNEL:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    connection.sendall(frames.encode_auth(start["token"], channel))
    return connection


def _prepare_streams():
    """Standard input becomes /dev/null, so that no application waits for it or finds the token there.

    Standard output is written line by line: it is a pipe to the gateway's log, and print() should show at once.
    """
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdin = open(0, closefd=False)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)


def _base_environ(settings):
    """What is the same for every request. The gateway's variables come first: nothing of it may replace ours."""
    environ = dict(settings.environ)
    environ.update(
        {
            "wsgi.version": (1, 0),
            "wsgi.multithread": settings.threads > 1,
            "wsgi.multiprocess": settings.multiprocess,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
        }
    )
    return environ


def _ready():
    return {
        "pid": os.getpid(),
        "python": "%d.%d.%d" % sys.version_info[:3],
        "implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(
            sys.implementation.name, sys.implementation.name
        ),
        "executable": sys.executable,
    }


def _complain(text):
    sys.stderr.write("xgi worker: %s\n" % text)
    return _EXIT_PROTOCOL
