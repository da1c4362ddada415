"""The life of a process: read the start line, be the zygote or a worker. A worker connects twice, learns the settings,
loads the application (unless its zygote has), serves, exits.

The start line is a line of JSON on standard input, which becomes /dev/null before the application sees it. Exit
status: 0 after DRAIN, SIGTERM or the end of the channel; 1 if the gateway cannot be reached or breaks the protocol; 3
if the application cannot be loaded.
"""

import gc
import json
import os
import sys

from . import boot, frames, serve, signals, threads, zygote
from .control import Control
from .file_wrapper import FileWrapper
from .inbox import Inbox
from .modules import ModuleFiles
from .request import MAX_WHOLE
from .standard_error import StandardError, complain
from .start import ZYGOTE, Start
from .state import open_words
from .worker import Settings, Worker, close_in_forks

_EXIT_PROTOCOL = 1


def main():
    """Returns the exit status."""
    try:
        start = Start(json.loads(sys.stdin.buffer.readline().decode("utf-8")))
        _prepare_streams()
    except (OSError, ValueError) as error:
        return _cannot_reach(error)
    if start.role == ZYGOTE:
        start, preloaded = zygote.live(start)
        return _work(start, preloaded)
    return _work(start, None)


def _work(start, preloaded):
    """`preloaded` is the zygote.Preloaded in a forked worker, else None."""
    stderr = StandardError()
    stderr.move(start.stderr)
    try:
        data, control = start.connect(frames.DATA_CHANNEL), start.connect(frames.CONTROL_CHANNEL)
    except (OSError, ValueError) as error:
        stderr.revert()
        return _cannot_reach(error)
    inbox = Inbox(data)
    try:
        hello = inbox.receive_frame()
        if hello is None:
            return 0
        stderr.settle()
        if hello.kind != frames.HELLO:
            raise frames.ProtocolError("unknown-type", "%s before HELLO" % frames.RULES[hello.kind].name)
        worker = Worker(data, Settings(frames.decode_json(hello.payload)))
        return _run(worker, inbox, data, control, preloaded)
    except frames.ProtocolError as error:
        stderr.revert()
        complain("protocol error on the data channel: %s" % error)
    except OSError as error:
        stderr.revert()
        complain("lost the gateway (%s: %s)" % (type(error).__name__, error))
    return _EXIT_PROTOCOL


def _run(worker, inbox, data, control, preloaded):
    settings = worker.settings
    files = preloaded and preloaded.files
    if settings.watch and files is None:
        files = ModuleFiles()
    if settings.threads == 1:
        serve.prepare(worker)
    close_in_forks(worker, (data, control))
    listener = Control(worker, inbox, control, data, files if settings.watch else None)
    signals.install(worker, inbox, listener.wakeup, preloaded.handled if preloaded else ())
    listener.start()
    worker.words = open_words(settings.state_file, settings.threads)
    worker.environ = _base_environ(settings)
    worker.max_whole = min(settings.credit, MAX_WHOLE)
    try:
        if preloaded is None:
            worker.application = boot.import_application(settings, files)
        else:
            worker.application = preloaded.application
        boot.run_hooks(files)
    except boot.NotLoaded as failed:
        worker.outbox.put(failed.frames)
        worker.outbox.flush()
        return boot.EXIT_NOT_LOADED
    # What the application made while it was imported lives as long as the process: full collections need not walk it.
    gc.collect()
    getattr(gc, "freeze", lambda: None)()
    worker.outbox.put(boot.encode_new_files(files) + boot.encode_ready())
    worker.serving = True
    worker.outbox.flush()
    if settings.threads == 1:
        serve.serve(worker, inbox)
    else:
        threads.Pool(worker, inbox).serve()
    return 0


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


def _cannot_reach(error):
    complain(
        "cannot reach the gateway (%s: %s); this program is started by xgi" % (type(error).__name__, error)
    )
    return _EXIT_PROTOCOL
