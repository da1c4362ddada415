"""The zygote: a process that imports the application once and forks the workers, so that they share its memory and
start at once.

It has one channel and, once the application is imported, no thread of its own: a fork copies only the thread that
forks, and whatever the others were holding is held for ever. So one loop reads FORK and waits for the forked workers,
and only for those: the application may have started processes of its own.

A forked worker is what a spawned one is, but that the application is there: `live` returns in it, and it goes its way.
"""

import collections
import gc
import os
import select
import signal
import socket
import sys
import threading
import warnings

from . import boot, frames, signals
from .guard import Guard
from .modules import ModuleFiles
from .standard_error import StandardError, complain
from .start import WORKER, Start
from .worker import Settings

_EXIT_PROTOCOL = 1
# What the zygote handles, or a worker does.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2, signal.SIGCHLD)

Preloaded = collections.namedtuple("Preloaded", "application files handled")
"""What a worker finds: the application, the ModuleFiles (None if nothing was watched), and the signals that the
application has handlers for."""


def live(start):
    """Returns (start, preloaded) in each worker that is forked; never returns in the zygote."""
    stderr = StandardError()
    stderr.move(start.stderr)
    status = 0
    try:
        zygote = _Zygote(start.connect(frames.ZYGOTE_CHANNEL))
        settings = zygote.receive_settings()
        stderr.settle()
        zygote.boot(settings)
        return zygote.serve()
    except _Ended as ended:
        status = ended.status
    except frames.ProtocolError as error:
        stderr.revert()
        complain("protocol error on the zygote's channel: %s" % error)
        status = _EXIT_PROTOCOL
    except OSError as error:
        stderr.revert()
        complain("lost the gateway (%s: %s)" % (type(error).__name__, error))
        status = _EXIT_PROTOCOL
    _exit(status)


class _Ended(Exception):
    """The zygote is to exit with `status`."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class _Zygote:
    def __init__(self, channel):
        self._channel = channel
        self._decoder = frames.Decoder(frames.TO_WORKER, frames.ZYGOTE_CHANNEL)
        self._frames = collections.deque()
        self._signals, self._wakeup = socket.socketpair()
        self._signals.setblocking(False)
        self._wakeup.setblocking(False)
        self._children = set()
        self._preloaded = None
        self._found_handlers = {}
        """The signal handlers after the import, which workers start with."""
        self._collecting = True
        # Also for what the application forks while it is imported: nobody else may hold the channel.
        os.register_at_fork(after_in_child=self._let_go)

    def receive_settings(self):
        while not self._frames:
            self._read()
        hello = self._frames.popleft()
        if hello.kind != frames.HELLO:
            raise frames.ProtocolError("unknown-type", "%s before HELLO" % frames.RULES[hello.kind].name)
        return Settings(frames.decode_json(hello.payload))

    def boot(self, settings):
        """Imports the application and says READY. Raises _Ended."""
        files = ModuleFiles() if settings.watch else None
        signal.signal(signal.SIGINT, signals.ignore)
        signals.print_faults()
        before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
        try:
            with Guard(self._channel):
                application = boot.import_application(settings, files)
        except boot.NotLoaded as failed:
            self._channel.sendall(failed.frames)
            raise _Ended(boot.EXIT_NOT_LOADED) from None
        self._found_handlers = {signum: signal.getsignal(signum) for signum in _SIGNALS}
        handled = {signum for signum in _SIGNALS if self._found_handlers[signum] != before[signum]}
        self._preloaded = Preloaded(application, files, handled)
        signal.signal(signal.SIGINT, signals.ignore)
        signal.signal(signal.SIGTERM, lambda signum, frame: _exit(0))
        signal.signal(signal.SIGCHLD, signals.ignore)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        # A collection writes to what it looks at, and what is written to is no longer shared. A worker does not look at
        # what is frozen here.
        self._collecting = gc.isenabled()
        gc.disable()
        gc.collect()
        getattr(gc, "freeze", lambda: None)()
        self._channel.sendall(boot.encode_new_files(files) + _warn_of_threads() + boot.encode_ready())

    def serve(self):
        """Returns (start, preloaded) in a forked worker. Raises _Ended in the zygote."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.kind == frames.DRAIN:
                    raise _Ended(0)
                if frame.kind != frames.FORK:
                    name = frames.RULES[frame.kind].name
                    raise frames.ProtocolError("unknown-type", "%s after the first" % name)
                start = self._fork(frame)
                if start is not None:
                    return start, self._preloaded
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._signals.fileno() in ready:
                self._reap()
            if self._channel.fileno() in ready:
                self._read()

    def _read(self):
        try:
            data = self._channel.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise _Ended(0)
        self._frames.extend(self._decoder.feed(data))

    def _tell(self, kind, value):
        try:
            self._channel.sendall(frames.encode_json(kind, value))
        except ConnectionError:
            raise _Ended(0) from None

    def _fork(self, frame):
        """Returns the worker's start in the worker, None in the zygote."""
        number, start = _read_fork(frame)
        _flush_output()
        # Until the worker has handlers of its own, a signal to it must not be taken for one to the zygote.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            with warnings.catch_warnings():
                # That the application has started threads was said already.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        except OSError as error:
            answer = {"id": number, "error": "%s: %s" % (type(error).__name__, error)}
        else:
            if pid == 0:
                self._become_worker()
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
                return start
            self._children.add(pid)
            answer = {"id": number, "pid": pid}
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self._tell(frames.FORKED, answer)
        return None

    def _become_worker(self):
        self._children.clear()
        for signum, handler in self._found_handlers.items():
            # None: it was not set from Python.
            if handler is not None:
                signal.signal(signum, handler)
        if self._collecting:
            gc.enable()

    def _let_go(self):
        """Runs in every process that is forked from this one, and in those forked from a worker."""
        self._channel.close()
        self._signals.close()
        self._wakeup.close()
        signal.set_wakeup_fd(-1)

    def _reap(self):
        try:
            self._signals.recv(4096)
        except BlockingIOError:
            pass
        for pid in sorted(self._children):
            ended = {"pid": pid, "code": None, "signal": None}
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
                if not found:
                    continue
                if os.WIFSIGNALED(status):
                    ended["signal"] = os.WTERMSIG(status)
                else:
                    ended["code"] = os.WEXITSTATUS(status)
            except ChildProcessError:
                # The application waits for any child, in a thread.
                pass
            self._children.remove(pid)
            self._tell(frames.EXITED, ended)


def _read_fork(frame):
    """(id, Start) of a FORK."""
    value = frames.decode_json(frame.payload)
    number = value.get("id")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise frames.ProtocolError("bad-json", "FORK: id is %r" % (number,))
    try:
        start = Start(value.get("start"))
    except ValueError as error:
        raise frames.ProtocolError("bad-json", "FORK: %s" % error) from None
    if start.role != WORKER:
        raise frames.ProtocolError("bad-json", "FORK: role is %r" % (start.role,))
    return number, start


def _warn_of_threads():
    """A LOG frame if the application has started threads; they will be missing in the workers."""
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if not names:
        return b""
    text = (
        "the application has started threads while it was imported (%s); forked workers do not have them: "
        "start them in a function decorated with xgi_worker.post_fork" % ", ".join(names)
    )
    return frames.encode_log(0, frames.LEVEL_WARNING, text[:10000])


def _flush_output():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            # RuntimeError: SIGTERM has come while something was written.
            pass


def _exit(status):
    """At once, and without the application's exit handlers: what they would undo, the workers still use."""
    _flush_output()
    os._exit(status)
