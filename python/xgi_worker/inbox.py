"""Reads the data channel: bytes into batches of requests. Knows nothing of what becomes of them.

This is the hot path, so REQUEST frames are recognised by one comparison of the header's third word; everything else
(and everything wrong) goes through `frames.check_header`.
"""

import struct

from . import frames

# The header as three words, the third being type, flags and the reserved field, and the environ length behind it.
_REQUEST_START = struct.Struct("<IIII")
_REQUEST_WORDS = frozenset(frames.REQUEST | flags << 8 for flags in (0, 1, 2, 3))

# Holds a full pipeline of 32 small requests (about 1 KiB each) and stays below malloc's mmap threshold of 128 KiB:
# above it each read would cost a mmap, page faults and a munmap.
_READ_BYTES = 64 * 1024


class Stopped(BaseException):
    """Raised by the SIGTERM handler in the thread that waits in `receive`, and nowhere else."""


class Inbox:
    """The reading end of the data channel. One thread may use it.

    `draining` is true once DRAIN was read: no request follows. `waiting` and `stopping` belong to the SIGTERM handler,
    which may raise Stopped only while `waiting` is true; requests in a read that is cut short so are not started, and
    the gateway gives them to another worker.
    """

    def __init__(self, socket):
        self._socket = socket
        self._rest = b""
        self.draining = False
        self.waiting = False
        self.stopping = False

    def receive(self):
        """Waits for at least one complete frame.

        Returns a list of requests `(stream, flags, environ text, body)`, perhaps empty after DRAIN, or None when
        there will be no more (the channel ended, SIGTERM, everything before DRAIN was returned). Raises
        ProtocolError.
        """
        if self.draining:
            return None
        try:
            while True:
                self.waiting = True
                if self.stopping:
                    return None
                data = self._read()
                self.waiting = False
                if data is None:
                    return None
                batch = self._parse(data)
                if batch or self.draining:
                    return batch
        except Stopped:
            return None
        except OSError:
            return None
        finally:
            self.waiting = False

    def receive_frame(self):
        """Waits for one frame and returns it (used for HELLO, the only frame at its time), or None at the end."""
        decoder = frames.Decoder(frames.TO_WORKER, frames.DATA_CHANNEL)
        while True:
            data = self._socket.recv(_READ_BYTES)
            if not data:
                return None
            received = decoder.feed(data)
            if received:
                return received[0]

    def _read(self):
        rest = self._rest
        if not rest:
            return self._socket.recv(_READ_BYTES) or None
        missing = 1
        if len(rest) >= 12:
            missing = 12 + _REQUEST_START.unpack_from(rest + b"\0\0\0\0")[0] - len(rest)
        parts = [rest]
        while missing > 0:
            part = self._socket.recv(max(missing, _READ_BYTES))
            if not part:
                return None
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _parse(self, data):
        batch = []
        position = 0
        end = len(data)
        while end - position >= 16:
            length, stream, word, environ_length = _REQUEST_START.unpack_from(data, position)
            if word not in _REQUEST_WORDS or not stream:
                break
            stop = position + 12 + length
            if stop > end:
                break
            body = position + 16 + environ_length
            if body > stop:
                raise frames.ProtocolError(
                    "payload-too-short", "the environ of a REQUEST ends after its payload"
                )
            batch.append((stream, word >> 8, data[position + 16 : body], data[body:stop]))
            position = stop
        if end - position >= 12:
            length, stream, kind, flags, reserved = frames.HEADER.unpack_from(data, position)
            frames.check_header(length, stream, kind, flags, reserved, frames.TO_WORKER, frames.DATA_CHANNEL)
            if kind == frames.DRAIN:
                self.draining = True
            elif kind != frames.REQUEST:
                raise frames.ProtocolError("unknown-type", "%s after the first" % frames.RULES[kind].name)
        self._rest = data[position:]
        return batch
