"""The launcher: takes the frames of the gateway and keeps the runs, until the gateway has gone or wants no more."""

import collections
import os

from xgi_worker import frames

from . import cold
from .command import Command
from .failure import describe
from .run import Run
from .settings import Settings
from .streams import Streams
from .zygotes import Zygotes

_MAX_LEFT = 64


class Launcher:
    """`loop`, `reaper`: the Loop and the Reaper. `out`: the list that takes frames to the gateway. `settings`: the
    Settings, None before HELLO.
    """

    def __init__(self, loop, reaper, ready):
        """`ready`: the object that READY carries. `serve` is to be called next."""
        self.loop = loop
        self.reaper = reaper
        self.settings = None
        self.out = None
        self._ready = ready
        self._zygotes = Zygotes(self)
        self._runs = {}
        self._draining = False
        self._gone = False
        self._left = collections.deque()
        """Standard error of programs that are over, held open by what they have left behind; the oldest first."""

    def serve(self, channel):
        """Returns when the gateway has gone or has sent DRAIN, and no program is left. Raises ProtocolError."""
        self.out = channel.out
        while self._runs or not (self._gone or (self._draining and channel.is_flushed)):
            self.loop.turn()
            channel.flush()
        self._zygotes.kill()

    def stop(self):
        """Ends all programs. Returns when none is left."""
        self.on_end()
        while self._runs:
            self.loop.turn()
        self._zygotes.kill()

    def log(self, level, text):
        self.out.append(frames.encode_log(0, level, text))

    def forget(self, run):
        """`run` is over."""
        self._runs.pop(run.stream, None)
        if not self._runs:
            # The last program's folder is ours too, and who wants it away should not find it busy.
            os.chdir("/")

    def leave(self, errors):
        """Reads and drops what comes there, until nobody holds it any more, or there are too many of its kind."""
        if not errors.is_open:
            return
        while self._left and not self._left[0].is_open:
            self._left.popleft()
        if len(self._left) >= _MAX_LEFT:
            self._left.popleft().close()
        self._left.append(errors)

    # From the channel.

    def on_frame(self, frame):
        if (self.settings is None) != (frame.kind == frames.HELLO):
            raise frames.ProtocolError("unknown-type", "%s at this place" % frames.LAUNCHER_RULES[frame.kind].name)
        _TAKERS[frame.kind](self, frame)

    def on_end(self):
        self._gone = True
        for run in list(self._runs.values()):
            run.abort()

    def _take_hello(self, frame):
        self.settings = Settings(frames.decode_json(frame.payload))
        self.settings.apply()
        self.out.append(frames.encode_json(frames.READY, self._ready))

    def _take_run(self, frame):
        stream = frame.stream
        if self._draining or stream in self._runs:
            raise frames.ProtocolError("unknown-type", "RUN on stream %d" % stream)
        command = Command(frame.payload, frame.flags == frames.MORE)
        try:
            streams = Streams(command, self.settings.user)
        except (OSError, ValueError) as error:
            failure = describe(error, "open the standard streams")
            self.out.append(frames.encode_error(stream, 0, failure.fields()))
            return
        run = self._runs[stream] = Run(self, stream, command, streams)
        if command.warm is None or not self._zygotes.start(run):
            cold.start(run, self)

    def _take_body(self, frame):
        run = self._runs.get(frame.stream)
        if run is not None:
            run.feed(frame.payload)

    def _take_body_end(self, frame):
        run = self._runs.get(frame.stream)
        if run is not None:
            run.end_body()

    def _take_credit(self, frame):
        run = self._runs.get(frame.stream)
        if run is not None:
            run.grant(frames.decode_u32s(frame.payload)[0])

    def _take_abort(self, frame):
        run = self._runs.get(frame.stream)
        if run is not None:
            run.abort()

    def _take_drain(self, frame):
        self._draining = True

    def _take_reload(self, frame):
        self._zygotes.reload()


_TAKERS = {
    frames.HELLO: Launcher._take_hello,
    frames.RUN: Launcher._take_run,
    frames.BODY: Launcher._take_body,
    frames.BODY_END: Launcher._take_body_end,
    frames.CREDIT: Launcher._take_credit,
    frames.ABORT: Launcher._take_abort,
    frames.DRAIN: Launcher._take_drain,
    frames.RELOAD: Launcher._take_reload,
}
