"""The control channel: a daemon thread that sleeps in poll, without the interpreter lock, until it is spoken to.

It is heard while the application runs, and it is what ends a process whose gateway has died while the application
hangs. It also watches that the main thread hears its signals: Python runs a handler only between two bytecodes, so a
signal that comes just before a system call blocks is not noticed until the call returns. The operating system's
part of the handler wakes this thread (signal.set_wakeup_fd), which then signals again until the handler has run.
"""

import os
import select
import signal
import socket as sockets
import threading
import time
import traceback

from . import boot, frames, stacks
from .standard_error import complain

# How long a request that still runs may go on after the gateway has gone.
_GRACE_SECONDS = 2.0
_EXIT_GATEWAY_GONE = 1

_NUDGE_SECONDS = 0.02
# After a second it is not the race: the application has its own handler, or sits in a call that no signal ends.
_MAX_NUDGES = 50

_WATCH_SECONDS = 1.0


class Control:
    """Start it before the application is imported. Only its thread writes to `control_socket`, after AUTH.

    `wakeup` is the file descriptor for signal.set_wakeup_fd. `files` is a ModuleFiles if the application's files are
    watched, else None: while the worker serves, what is imported is reported here, and only this thread uses it.
    """

    def __init__(self, worker, inbox, control_socket, data_socket, files=None):
        self._worker = worker
        self._files = files
        self._looked = 0.0
        self._inbox = inbox
        self._control = control_socket
        self._data = data_socket
        self._signals, self._wakeup = sockets.socketpair()
        self._signals.setblocking(False)
        self._wakeup.setblocking(False)
        self._terminated = False
        self._main_thread = threading.get_ident()

    @property
    def wakeup(self):
        return self._wakeup.fileno()

    def start(self):
        """Call in the main thread."""
        threading.Thread(target=self._run, name="xgi-control", daemon=True).start()

    def _run(self):
        try:
            self._listen()
        except OSError:
            pass
        except frames.ProtocolError as error:
            complain("protocol error on the control channel: %s" % error)
        except BaseException:
            # Without this thread nothing can end a request that hangs, so the process must not go on.
            complain(traceback.format_exc())
        self._worker.lose()
        try:
            # Wakes the main thread if it waits in recv; what was read and not begun is not worth doing.
            self._data.shutdown(sockets.SHUT_RDWR)
        except OSError:
            pass
        time.sleep(_GRACE_SECONDS)
        os._exit(_EXIT_GATEWAY_GONE)

    def _listen(self):
        decoder = frames.Decoder(frames.TO_WORKER, frames.CONTROL_CHANNEL)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        nudges = 0
        while True:
            unheard = self._is_unheard() and nudges < _MAX_NUDGES
            seconds = _NUDGE_SECONDS if unheard else None if self._files is None else _WATCH_SECONDS
            ready = [descriptor for descriptor, _ in poll.poll(seconds and seconds * 1000)]
            if self._signals.fileno() in ready:
                nudges = 0 if self._note_signals() else nudges
            if self._control.fileno() in ready:
                data = self._control.recv(65536)
                if not data:
                    return
                for frame in decoder.feed(data):
                    nudges = 0 if frame.kind == frames.INTERRUPT else nudges
                    self._obey(frame)
            if not ready and unheard:
                nudges += 1
                signal.pthread_kill(self._main_thread, signal.SIGUSR2)
            if self._files is not None and self._worker.serving:
                self._look_for_modules()

    def _look_for_modules(self):
        now = time.monotonic()
        if now - self._looked >= _WATCH_SECONDS:
            self._looked = now
            found = boot.encode_new_files(self._files)
            if found:
                self._send(found)

    def _obey(self, frame):
        kind, stream, flags, payload = frame
        worker = self._worker
        if kind == frames.RECALL:
            self._send(frames.encode_u32s(frames.RECALLED, worker.recall(frames.decode_u32s(payload))))
        elif kind == frames.ABORT:
            if worker.abort(stream):
                self._send(frames.encode_u32s(frames.RECALLED, (stream,)))
        elif kind == frames.CREDIT:
            worker.add_credit(stream, frames.decode_u32s(payload)[0])
        elif kind == frames.FILE_ACK:
            worker.acknowledge_file(stream, flags == frames.TAKEN)
        elif kind == frames.INTERRUPT:
            self._interrupt(stream)
        elif kind == frames.PING:
            self._send(frames.encode(frames.PONG, 0, payload))

    def _interrupt(self, stream):
        slot = self._worker.slot_of(stream)
        if slot is None:
            return
        idle = {each.ident for each in self._worker.slots if each.stream == 0}
        text = "request past its deadline; Python stacks of the worker's threads (most recent call last):\n"
        text += stacks.describe_threads(slot.ident, idle, {threading.get_ident()})
        self._send(frames.encode_log(stream, frames.LEVEL_ERROR, text))
        self._worker.interrupt(stream)

    def _note_signals(self):
        """Whether a SIGTERM is among the signals that have come."""
        try:
            received = self._signals.recv(4096)
        except OSError:
            return False
        if signal.SIGTERM not in received:
            return False
        self._terminated = True
        return True

    def _is_unheard(self):
        """Whether the main thread has not yet run the handler of a signal that was sent to it."""
        if self._terminated and self._worker.serving and not self._inbox.stopping:
            return True
        slot = self._worker.main_slot
        return slot is not None and slot.interrupt != 0 and slot.interrupt == slot.stream

    def _send(self, frame):
        self._control.sendall(frame)
