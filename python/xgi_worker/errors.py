"""wsgi.errors: text that an application writes becomes records of the gateway's log, marked with the request.

One object a request, so that it is right in every thread and after the request is over. What a write completes, and
on flush what there is of a line, is one LOG frame, sent at once: the last line before a crash is the one that
matters. The lines that one write completes stay one record, for `logging` writes a traceback in one call.
"""

import threading

from . import frames

# Longer text goes out in parts; a character becomes at most six bytes (an escape), and a frame holds 1 MiB.
_MAX_TEXT = 128 * 1024


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
                complete, end, self.line = (self.line + text).rpartition("\n")
                if len(self.line) > _MAX_TEXT:
                    complete, end, self.line = complete + end + self.line, "\n", ""
            if end:
                self._send(complete)
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

    def record(self, level, text):
        """Logs `text` as a record of its own. Not for applications."""
        paused = self._pause()
        try:
            self._send(text, level)
        finally:
            if paused:
                self._slot.resume()

    def _send(self, text, level=frames.LEVEL_ERROR):
        """Cuts at line ends where it can."""
        start = 0
        while len(text) - start > _MAX_TEXT:
            limit = start + _MAX_TEXT
            line_end = text.rfind("\n", start, limit + 1)
            end = limit if line_end < 0 else line_end
            self._slot.worker.log(self._stream, level, text[start:end])
            start = end if line_end < 0 else end + 1
        self._slot.worker.log(self._stream, level, text[start:])

    def _pause(self):
        """Holds back an interrupt while a frame is written, if this is the thread and the time it could come."""
        slot = self._slot
        if slot.running == self._stream and slot.ident == threading.get_ident():
            slot.pause()
            return True
        return False
