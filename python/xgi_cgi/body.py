"""Standard input of one program, if its pipe cannot be filled and closed at once: because the body is larger than the
pipe, or because it is still coming (flag MORE of RUN). The rest is written as the program reads.
"""

import os
from collections import deque

from xgi_worker.frames import BODY_CLOSED, BODY_CREDIT, U32, ProtocolError, encode

from .loop import WRITABLE

_NOTHING = memoryview(b"")

_PAUSE_SECONDS = 0.001
"""When the pipe is full: a program that reads 4 KiB at a time makes room for 4 KiB, and a push of git would be 20,000
writes."""

_GIVE_BACK_BYTES = 65536
"""Credit is given back in pieces of at least this size, but for the last."""

_SMALL_BYTES = 4096
"""Pieces below this size are joined: credit counts bytes, and a piece of one byte would take 250 of ours."""


class Body:
    """Owns the writing end, and closes it when all is written or nobody reads any more. While more is to come, what the
    pipe has taken is given back as BODY_CREDIT, and BODY_CLOSED says that nobody reads.
    """

    __slots__ = (
        "_stream",
        "_loop",
        "_out",
        "_descriptor",
        "_rest",
        "_fed",
        "_more",
        "_room",
        "_taken",
        "_started",
        "_given_up",
        "_paused",
        "_events",
    )

    def __init__(self, stream, host, streams, command):
        self._stream = stream
        self._loop = host.loop
        self._out = host.out
        self._descriptor = streams.body
        self._rest = streams.body_rest
        self._fed = deque()
        """What comes behind `_rest`: bytes, or a bytearray of small pieces."""
        self._more = command.more
        self._room = host.settings.credit
        """So much may still be sent to us."""
        self._taken = len(command.body) - len(self._rest)
        """By the pipe, and not given back yet."""
        self._started = False
        self._given_up = False
        self._paused = False
        self._events = None
        """What the descriptor is watched for; None: it is not watched."""
        if command.more:
            self._reserve(len(command.body))

    def start(self):
        """The program has its end of the pipe. Raises OSError."""
        self._started = True
        self._give_back()
        self._settle()

    def feed(self, data):
        """Takes more of it. Raises ProtocolError."""
        self._check_more("BODY")
        self._reserve(len(data))
        if self._descriptor is None or self._given_up:
            return
        self._store(data)
        if self._started and not self._paused:
            self._write()

    def end(self):
        """All of it has come. Raises ProtocolError."""
        self._check_more("BODY_END")
        self._more = False
        if self._started and self._descriptor is not None and not self._given_up and not self._paused:
            self._settle()

    def on_ready(self, events):
        if self._rest or self._fed:
            self._write()
        elif events & ~WRITABLE:
            self._closed_by_program()

    def give_up(self):
        """Nothing more is written. The pipe stays open until `close`, or the program would see an end of the body."""
        self._given_up = True
        self._rest = _NOTHING
        self._fed.clear()
        self._unwatch()

    def close(self):
        if self._descriptor is not None:
            self.give_up()
            os.close(self._descriptor)
            self._descriptor = None

    def _store(self, data):
        fed = self._fed
        if len(data) >= _SMALL_BYTES:
            fed.append(data)
        elif fed and type(fed[-1]) is bytearray:
            fed[-1] += data
        else:
            fed.append(bytearray(data))

    def _write(self):
        try:
            while not self._rest or self._write_rest():
                if not self._fed:
                    break
                self._rest = memoryview(self._fed.popleft())
        except BlockingIOError:
            self._give_back()
            self._pause()
            return
        except OSError:
            self._closed_by_program()
            return
        self._give_back()
        self._settle()

    def _pause(self):
        self._unwatch()
        if not self._paused:
            self._paused = True
            self._loop.call_later(_PAUSE_SECONDS, self._resume)

    def _resume(self):
        self._paused = False
        if self._descriptor is not None and not self._given_up:
            self._settle()

    def _write_rest(self):
        """Whether the pipe has taken all of it. Raises OSError."""
        written = os.write(self._descriptor, self._rest)
        self._taken += written
        self._rest = self._rest[written:]
        return not self._rest

    def _settle(self):
        """Waits for what is to be waited for: room in the pipe, or, if all is written, that nobody reads any more."""
        if self._rest or self._fed:
            self._watch(WRITABLE)
        elif self._more:
            self._watch(0)
        else:
            self.close()

    def _closed_by_program(self):
        if self._more:
            self._out.append(encode(BODY_CLOSED, self._stream))
        self.close()

    def _check_more(self, name):
        if not self._more:
            raise ProtocolError("unknown-type", "%s on stream %d, whose body is complete" % (name, self._stream))

    def _reserve(self, size):
        self._room -= size
        if self._room < 0:
            raise ProtocolError("payload-length", "%d bytes of a body beyond its credit" % -self._room)

    def _give_back(self):
        is_worth_it = self._taken >= _GIVE_BACK_BYTES or not (self._rest or self._fed)
        if self._more and self._taken and is_worth_it:
            self._out.append(encode(BODY_CREDIT, self._stream, U32.pack(self._taken)))
            self._room += self._taken
            self._taken = 0

    def _watch(self, events):
        if self._events is None:
            self._loop.watch(self._descriptor, events, self)
        elif self._events != events:
            self._loop.change(self._descriptor, events)
        self._events = events

    def _unwatch(self):
        if self._events is not None:
            self._events = None
            self._loop.forget(self._descriptor)
