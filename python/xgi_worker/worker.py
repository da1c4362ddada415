"""The state that the serving threads and the control thread share, and every change of it that needs the lock.

Knows which requests are started. `lock` is held for moments only; waiting is done on `changed`, its condition. Spec:
docs/protocol.md, "Started, not started".
"""

import os
import signal
import sys
import threading

from . import frames
from .outbox import Outbox


def is_later(stream, reference):
    """Whether `stream` comes after `reference` in serial-number arithmetic (RFC 1982)."""
    return 0 < (stream - reference) & 0xFFFFFFFF < 0x80000000


class Worker:
    """Made once, by main. `alert` is true when a serving loop has to look before it claims: `recalled` or
    `stopping`."""

    def __init__(self, data_socket, settings):
        # Re-entrant, because a destructor or a signal handler of the application may log while we hold it.
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.outbox = Outbox(data_socket, self.lock)
        self.settings = settings
        self.credit = settings.credit
        self.max_whole = 0
        """A body up to here is sent in one frame with its head."""
        self.words = None
        self.application = None
        self.environ = {}
        self.slots = []
        self.main_slot = None
        self.queue = None
        """The requests that were read and not claimed, in thread mode; None in single mode, where they are a
        private matter."""
        self.last_seen = 0
        """The latest stream that was claimed (single mode) or queued (thread mode)."""
        self.recalled = set()
        self.alert = False
        self.serving = False
        self.stopping = False
        self.gone = False

    def log(self, stream, level, text):
        """Sends one record, perhaps of several lines, to the gateway's log at once, in order with the answers. Never
        raises for a lost channel."""
        try:
            self.outbox.put(frames.encode_log(stream, level, text))
            self.outbox.flush()
        except OSError:
            pass

    def log_from_fork(self, stream, level, text):
        """Takes the place of `log` in a process that the application has forked: the channels are not its own."""
        try:
            sys.stderr.write(text + "\n")
        except (AttributeError, OSError, ValueError):
            pass

    def slot_of(self, stream):
        """The slot that runs `stream`, or None."""
        for slot in self.slots:
            if slot.stream == stream:
                return slot
        return None

    def recall(self, streams):
        """Marks those of `streams` that are not started as never to be run, and returns them; finished answers are
        sent."""
        marked = []
        with self.lock:
            for stream in streams:
                if self._take_back(stream):
                    marked.append(stream)
        self.outbox.flush()
        return marked

    def _take_back(self, stream):
        if self.queue is not None:
            for request in self.queue:
                if request[0] == stream:
                    self.queue.remove(request)
                    return True
        # A stream is given back once: RECALL and ABORT of the same one cross each other.
        if is_later(stream, self.last_seen) and stream not in self.recalled:
            self.recalled.add(stream)
            self.alert = True
            return True
        return False

    def skip(self, stream):
        """Whether `stream` must not be run: it was recalled, or the worker is stopping. Call under the lock, when
        `alert`."""
        if self.stopping:
            return True
        if stream not in self.recalled:
            return False
        self.recalled.discard(stream)
        self.alert = bool(self.recalled)
        self.last_seen = stream
        return True

    def abort(self, stream):
        """The client has gone. Returns whether the stream was not started, and never will be."""
        with self.lock:
            slot = self.slot_of(stream)
            if slot is not None:
                slot.aborted = stream
                self.changed.notify_all()
                return False
            return self._take_back(stream)

    def add_credit(self, stream, count):
        with self.lock:
            slot = self.slot_of(stream)
            if slot is not None and slot.credited is not None:
                slot.credited.credit += count
                self.changed.notify_all()

    def acknowledge_file(self, stream, taken):
        with self.lock:
            slot = self.slot_of(stream)
            if slot is not None and slot.credited is not None:
                slot.credited.file_taken = taken
                self.changed.notify_all()

    def interrupt(self, stream):
        """Has RequestTimeout raised in the thread that runs `stream`; nothing if none does."""
        with self.lock:
            slot = self.slot_of(stream)
            if slot is not None:
                slot.request_interrupt(stream)
                self.changed.notify_all()

    def lose(self):
        """The gateway has gone: wakes whoever waits for it."""
        with self.lock:
            self.gone = True
            self.changed.notify_all()


class Settings:
    """HELLO, checked. Raises ProtocolError for what is missing or of the wrong kind."""

    def __init__(self, hello):
        def get(name, kind):
            value = hello.get(name)
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise frames.ProtocolError("bad-json", "HELLO: %s is %r" % (name, value))
            return value

        if hello.get("protocol") != 1:
            raise frames.ProtocolError(
                "bad-json", "HELLO: protocol %r, this worker speaks 1" % (hello.get("protocol"),)
            )
        self.target = get("target", str)
        self.search_path = get("searchPath", list)
        self.threads = max(1, get("threads", int))
        self.environ = get("environ", dict)
        self.multiprocess = get("multiprocess", bool)
        self.state_file = get("stateFile", str)
        self.credit = get("credit", int)
        self.watch = get("watch", bool) if "watch" in hello else False
        self.sendfile = get("sendfile", bool) if "sendfile" in hello else False
        middleware = get("middleware", list) if "middleware" in hello else []
        self.middleware = [_read_middleware(item) for item in middleware]
        """(target, keyword arguments) of each, the outermost first."""
        self.validate = get("validate", bool) if "validate" in hello else False


def _read_middleware(item):
    try:
        target, options = item["target"], item["options"]
    except (KeyError, TypeError):
        target = options = None
    if not isinstance(target, str) or not isinstance(options, dict):
        raise frames.ProtocolError("bad-json", "HELLO: middleware has %r" % (item,))
    return target, options


def close_in_forks(worker, sockets):
    """Closes the channels in processes the application forks: they must not keep the channels open, nor write there."""

    def after_fork():
        worker.log = worker.log_from_fork
        signal.set_wakeup_fd(-1)
        for socket in sockets:
            socket.close()

    os.register_at_fork(after_in_child=after_fork)
