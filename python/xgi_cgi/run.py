"""One run: the life of a program, from RUN until it and its output have ended, by themselves or by ABORT."""

import json
import os
from time import monotonic

from xgi_worker.frames import EXITED, HEADER, STARTED, U32, WARM, ProtocolError, encode, encode_error

from .body import Body
from .error_output import ErrorOutput
from .failure import describe
from .output import Output
from .termination import Termination

_SUCCESS = b'{"code":0,"signal":null,"stderrDropped":0}'


class Run:
    """Whoever starts the program calls `on_started` or `on_failed`, and later `on_exit`, each once.

    `host` is the Launcher. `began`: when the RUN came, as of monotonic(). `streams`: the Streams; their `child` end
    belongs to who starts the program until then. `aborted`: nobody wants the output any more.
    """

    __slots__ = (
        "stream",
        "command",
        "began",
        "streams",
        "aborted",
        "_host",
        "_pid",
        "_warm",
        "_status",
        "_reaped",
        "_exited",
        "_output",
        "_errors",
        "_body",
        "_termination",
    )

    def __init__(self, host, stream, command, streams):
        self.stream = stream
        self.command = command
        self.began = monotonic()
        self.streams = streams
        self.aborted = False
        self._host = host
        self._pid = None
        self._warm = False
        self._status = None
        self._reaped = False
        self._exited = False
        loop, out, settings = host.loop, host.out, host.settings
        self._output = Output(self, loop, out, streams.output, settings.credit)
        self._errors = ErrorOutput(stream, loop, out, streams.errors, settings.stderr_bytes)
        self._body = None if streams.body is None else Body(stream, host, streams, command)
        self._termination = None

    # From who starts it.

    def on_started(self, pid, warm):
        self._pid = pid
        self._warm = warm
        self.streams.release()
        self._host.out.append(HEADER.pack(4, self.stream, STARTED, WARM if warm else 0, 0) + U32.pack(pid))
        try:
            if not self.aborted:
                self._output.start()
                if self._body is not None:
                    self._body.start()
            self._errors.start()
        except OSError as error:
            self._break_off(error)
        if self.aborted and self._termination is None:
            self._terminate()

    def on_failed(self, failure):
        """`failure`: a StartFailure; None if it was aborted before."""
        self.streams.release()
        if self.aborted:
            self._send_exited()
        else:
            self._host.out.append(encode_error(self.stream, 0, failure.fields()))
        self._end()

    def on_exit(self, status):
        """The program was waited for; `status` as of waitpid(2), None if nobody knows."""
        self._status = status
        self._reaped = True
        if self._termination is not None:
            self._termination.on_exit()
            return
        self._send_exited()
        if not self._output.is_open:
            self._end()

    # From the gateway.

    def grant(self, credit):
        try:
            self._output.grant(credit)
        except OSError as error:
            self._break_off(error)

    def abort(self):
        if self.aborted:
            return
        self.aborted = True
        self._output.close()
        if self._body is not None:
            self._body.give_up()
        if self._pid is not None:
            self._terminate()

    def feed(self, data):
        """More of the body. Raises ProtocolError."""
        self._fed_body("BODY").feed(data)

    def end_body(self):
        """Raises ProtocolError."""
        self._fed_body("BODY_END").end()

    # From its parts.

    def on_output_end(self):
        if self._exited:
            self._end()

    def _fed_body(self, name):
        if self._body is None:
            raise ProtocolError("unknown-type", "%s on stream %d, whose RUN was complete" % (name, self.stream))
        return self._body

    def _break_off(self, error):
        """We cannot wait for its output, for want of memory perhaps. Nobody looks at the EXITED that will come."""
        self._host.out.append(encode_error(self.stream, 0, describe(error, "wait for the output").fields()))
        self.abort()

    def _terminate(self):
        # The process id of a warm run is what processes of the user have told.
        user = self._host.settings.user if self._warm else None
        self._termination = Termination(self._host.loop, self._pid, self._reaped, user, self._on_gone)
        self._termination.start(self._host.settings.kill_grace)

    def _on_gone(self):
        if not self._exited:
            self._send_exited()
        self._end()

    def _send_exited(self):
        self._exited = True
        self._errors.finish()
        status, dropped = self._status, self._errors.dropped
        if status == 0 and not dropped:
            payload = _SUCCESS
        else:
            payload = json.dumps({**_decode(status), "stderrDropped": dropped}, separators=(",", ":")).encode("ascii")
        self._host.out.append(encode(EXITED, self.stream, payload))

    def _end(self):
        self._output.close()
        if self._exited and not self.aborted:
            # What it has left behind may still write there, and would die of a closed pipe.
            self._host.leave(self._errors)
        else:
            self._errors.close()
        if self._body is not None:
            self._body.close()
        # It has a reference to us.
        self._output = self._termination = None
        self._host.forget(self)


def _decode(status):
    if status is None:
        return {"code": None, "signal": None}
    if os.WIFSIGNALED(status):
        return {"code": None, "signal": os.WTERMSIG(status)}
    return {"code": os.WEXITSTATUS(status), "signal": None}
