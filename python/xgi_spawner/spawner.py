"""The spawner: takes the frames of the gateway, until that has gone or wants no more."""

import json
import os
import select
import signal
import socket

from xgi_worker import frames

from . import birth
from .identity import become_worker


class Spawner:
    """`channel`: the connected socket; `decoder`: that of its frames, and `received` those that it has given."""

    def __init__(self, channel, decoder, received, settings):
        self._channel = channel
        self._decoder = decoder
        self._frames = received
        self._settings = settings
        self._children = set()
        self._signals, self._wakeup = socket.socketpair()
        self._signals.setblocking(False)
        self._wakeup.setblocking(False)

    def serve(self):
        """Returns when the gateway has gone or has sent DRAIN. Workers live on. Raises ProtocolError."""
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame.kind == frames.DRAIN:
                    return
                self._take(frame)
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._signals.fileno() in ready:
                self._reap()
            if self._channel.fileno() in ready:
                data = self._channel.recv(65536)
                if not data:
                    return
                self._frames += self._decoder.feed(data)

    def _take(self, frame):
        if frame.kind == frames.FORK:
            self._fork(frames.decode_json(frame.payload))
        elif frame.kind == frames.SIGNAL:
            self._signal(*frames.decode_u32s(frame.payload))
        else:
            raise frames.ProtocolError("unknown-type", "%s after the first" % frames.RULES[frame.kind].name)

    def _fork(self, order):
        line = json.dumps(order["start"]).encode("ascii") + b"\n"
        try:
            pid = birth.spawn(self._settings, line)
        except OSError as error:
            answer = {"id": order["id"], "error": str(error)}
        else:
            self._children.add(pid)
            answer = {"id": order["id"], "pid": pid}
        self._tell(frames.FORKED, answer)

    def _signal(self, pid, number):
        if pid in self._children:
            self._send(pid, number)
            return
        # The gateway has it from a zygote, in which the application is: only what its user may signal is signalled.
        try:
            child = os.fork()
        except OSError as error:
            self._tell_failure("process %d cannot be sent signal %d: %s" % (pid, number, error.strerror))
            return
        if child == 0:
            try:
                become_worker(self._settings.user)
                self._send(pid, number)
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    @staticmethod
    def _send(pid, number):
        try:
            os.kill(pid, number)
        except (OSError, OverflowError):
            pass  # It has ended, which is about to be told.

    def _reap(self):
        try:
            self._signals.recv(4096)
        except BlockingIOError:
            pass
        for pid in sorted(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            self._children.remove(pid)
            is_killed = os.WIFSIGNALED(status)
            ended = {
                "pid": pid,
                "code": None if is_killed else os.WEXITSTATUS(status),
                "signal": os.WTERMSIG(status) if is_killed else None,
            }
            self._tell(frames.EXITED, ended)

    def _tell_failure(self, text):
        self._channel.sendall(frames.encode_log(0, frames.LEVEL_WARNING, text))

    def _tell(self, kind, value):
        self._channel.sendall(frames.encode_json(kind, value))
