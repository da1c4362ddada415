"""The control channel: a daemon thread that sleeps in recv, without the interpreter lock, until the gateway has something to say.

It is heard while the application runs, and it is what ends a process whose gateway has died while the application hangs.
"""

import os
import socket as sockets
import sys
import threading
import time
import traceback

from . import failure, frames

# How long a request that still runs may go on after the gateway has gone.
_GRACE_SECONDS = 2.0
_EXIT_GATEWAY_GONE = 1


class ControlThread(threading.Thread):
    """Start it before the application is imported. Only this thread writes to `control_socket`, after AUTH."""

    def __init__(self, worker, control_socket, data_socket):
        super().__init__(name="xgi-control", daemon=True)
        self._worker = worker
        self._control = control_socket
        self._data = data_socket

    def run(self):
        try:
            self._listen()
        except (OSError, frames.ProtocolError) as error:
            if isinstance(error, frames.ProtocolError):
                _complain("xgi worker: protocol error on the control channel: %s" % error)
        self._worker.lose()
        try:
            # Wakes the main thread if it waits in recv; requests that were read and not begun are not worth doing.
            self._data.shutdown(sockets.SHUT_RDWR)
        except OSError:
            pass
        time.sleep(_GRACE_SECONDS)
        os._exit(_EXIT_GATEWAY_GONE)

    def _listen(self):
        decoder = frames.Decoder(frames.TO_WORKER, frames.CONTROL_CHANNEL)
        while True:
            data = self._control.recv(65536)
            if not data:
                return
            for frame in decoder.feed(data):
                self._handle(frame)

    def _handle(self, frame):
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
        frame = sys._current_frames().get(slot.ident)
        if frame is not None:
            stack = failure.without_own_frames(traceback.extract_stack(frame))
            del frame
            text = "request past its deadline; the Python stack of its thread (most recent call last):\n"
            self._send(
                frames.encode_log(stream, frames.LEVEL_ERROR, text + "".join(stack.format()).rstrip("\n"))
            )
        self._worker.interrupt(stream)

    def _send(self, frame):
        self._control.sendall(frame)


def _complain(text):
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass
