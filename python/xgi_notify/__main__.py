"""Speaks to the service manager (sd_notify(3)) for the gateway: Node has no Unix datagram sockets.

Usage: ``python3 …/xgi_notify ADDRESS``, a path or ``@NAME`` of the abstract name space. Reads one JSON object in each
line of standard input, sends its members as one datagram, and answers with a line: empty, or why it was not sent. The
gateway waits for that before it sends the next, so there is never more than one under way. Ends when the input does,
which is also when the gateway dies.

It outlives all signals but SIGKILL: a service manager that stops a service may signal every process of it at once, and
the last messages are still to come.
"""

import array
import json
import os
import select
import signal
import socket
import sys
import time

_SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGTTIN", "SIGTTOU")

# A datagram socket that is full takes a message again once the service manager has read one.
_RETRY_SECONDS = 0.02
# After the end of the input, for the last message and for its arrival.
_LAST_SECONDS = 1.0


def main(address):
    for name in _SIGNALS:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    notifier = _Notifier(address)
    answers = sys.stdout
    # Not through sys.stdin, which would hide its end in a buffer.
    for line in _lines(0):
        problem = notifier.notify(json.loads(line.decode("utf-8")))
        try:
            answers.write(problem + "\n")
            answers.flush()
        except OSError:
            break  # nobody listens any more
    notifier.finish()


def _lines(descriptor):
    rest = b""
    while True:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield line


class _Notifier:
    def __init__(self, address):
        # The abstract name space begins with NUL, which no variable can hold.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._deadline = None

    def notify(self, fields):
        """Returns why that was not sent; "" if it was. Waits while the socket is full, as long as there is input."""
        if "RELOADING" in fields:
            # Of the moment of the message: a service manager takes READY=1 for an answer to it only if it is later.
            fields["MONOTONIC_USEC"] = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._send("\n".join("%s=%s" % field for field in fields.items()))

    def finish(self):
        """Returns when the service manager has read everything, or has not for a second. Call at the end of the input.

        It finds out what service a message belongs to by the process that sent it, so that process has to be there
        still. As sd_notify_barrier(3): it closes the descriptor that it is sent once it comes to it.
        """
        closed, sent = os.pipe()
        problem = self._send("BARRIER=1", [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sent]))])
        os.close(sent)
        while not problem and not self._is_over() and not _is_readable(closed, _RETRY_SECONDS):
            pass

    def _send(self, message, rights=()):
        while True:
            try:
                self._socket.sendmsg([message.encode("utf-8", "replace")], rights, 0, self._address)
                return ""
            except BlockingIOError:
                if self._is_over():
                    return "the socket of the service manager is full"
            except OSError as error:
                return error.strerror or str(error)
            time.sleep(_RETRY_SECONDS)

    def _is_over(self):
        """Whether the input ended a second ago. Nothing else comes while the gateway waits for an answer."""
        if self._deadline is None and _is_readable(0):
            self._deadline = time.monotonic() + _LAST_SECONDS
        return self._deadline is not None and time.monotonic() > self._deadline


def _is_readable(descriptor, timeout=0):
    """True at its end too."""
    return bool(select.select([descriptor], [], [], timeout)[0])


if __name__ == "__main__":
    main(sys.argv[1])
