"""wsgi.errors: text that an application writes becomes lines of the gateway's log, marked with the request.

One object a request, so that it is right in every thread and after the request is over. Each complete line, and on
flush what there is of a line, is one LOG frame, sent at once: the last line before a crash is the one that matters.
"""

import threading

from . import frames

# A line longer than this goes out in parts; UTF-8 needs at most four bytes a character, and a frame holds 1 MiB.
_MAX_LINE = 128 * 1024


class ErrorLog:
    """A text stream for writing: write, writelines, flush (PEP 3333)."""

    __slots__ = ("_slot", "_stream", "line")

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, slot, stream):
        self._slot = slot
        self._stream = stream
        self.line = ""
        """What was written since the last line end."""

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("wsgi.errors takes str, not %s" % type(text).__name__)
        paused = self._pause()
        try:
            with self._slot.worker.lock:
                *lines, self.line = (self.line + text).split("\n")
                if len(self.line) > _MAX_LINE:
                    lines.append(self.line)
                    self.line = ""
            for line in lines:
                self._send(line)
        finally:
            if paused:
                self._slot.resume()
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        if not self.line:
            return
        paused = self._pause()
        try:
            with self._slot.worker.lock:
                line, self.line = self.line, ""
            self._send(line)
        finally:
            if paused:
                self._slot.resume()

    def isatty(self):
        return False

    def _send(self, line):
        for start in range(0, len(line) or 1, _MAX_LINE):
            self._slot.worker.log(self._stream, frames.LEVEL_ERROR, line[start : start + _MAX_LINE])

    def _pause(self):
        """Holds back an interrupt while a frame is written, if this is the thread and the time it could come."""
        slot = self._slot
        if slot.running == self._stream and slot.ident == threading.get_ident():
            slot.pause()
            return True
        return False
