"""The gateway's side of the worker protocol, for tests: starts the real worker by path and speaks frames with it.

Everything waits with a deadline, so a test that goes wrong fails and does not hang.
"""

import collections
import json
import mmap
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE_PARENT = os.path.join(ROOT, "python")
WORKER = os.path.join(PACKAGE_PARENT, "xgi_worker")
APPLICATIONS = os.path.join(ROOT, "tests", "python", "applications")

if PACKAGE_PARENT not in sys.path:
    sys.path.insert(0, PACKAGE_PARENT)

from xgi_worker import frames  # noqa: E402

DEADLINE_SECONDS = 20
TOKEN = "0123456789abcdef" * 4

Answer = collections.namedtuple("Answer", "status headers body frames error ended logs")
"""`frames`: names in order; `error`: the ERROR's object or None; `ended`: whether END came; `logs`: (level, text)."""


class Channel:
    """One connection, read as frames."""

    def __init__(self, connection, rest):
        self.socket = connection
        self._decoder = frames.Decoder(frames.TO_GATEWAY)
        self._frames = collections.deque(self._decoder.feed(rest))

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, timeout=DEADLINE_SECONDS):
        """The next frame; None if the connection has ended; AssertionError if nothing comes in time."""
        deadline = time.monotonic() + timeout
        while not self._frames:
            readable, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise AssertionError("no frame from the worker within %s s" % timeout)
            try:
                data = self.socket.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._frames.extend(self._decoder.feed(data))
        return self._frames.popleft()

    def is_silent(self):
        """Whether nothing lies unread right now."""
        return not self._frames and not select.select([self.socket], [], [], 0)[0]


class Gateway:
    """One worker and the channels to it. `ready` is READY's object, or None when `boot_error` is set."""

    def __init__(
        self,
        target,
        threads=1,
        credit=262144,
        environ=None,
        search_path=(APPLICATIONS,),
        boot=True,
        python=None,
    ):
        self.directory = tempfile.mkdtemp(prefix="xgi-test-")
        self.state_file = os.path.join(self.directory, "state")
        with open(self.state_file, "wb") as file:
            file.write(b"\0" * 4 * threads)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = os.path.join(self.directory, "socket")
        listener.bind(path)
        listener.listen(4)
        self.process = subprocess.Popen(
            [python or sys.executable, WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            start_new_session=True,
        )
        self.process.stdin.write(json.dumps({"socket": path, "token": TOKEN}).encode() + b"\n")
        self.process.stdin.close()
        self.process.stdin = None
        channels = {}
        self.raw_auth = []
        for _ in range(2):
            listener.settimeout(DEADLINE_SECONDS)
            connection, _ = listener.accept()
            auth = b""
            while len(auth) < 77:
                part = connection.recv(77 - len(auth))
                assert part, "the worker closed a channel before AUTH"
                auth += part
            self.raw_auth.append(auth)
            channels[auth[-1:]] = Channel(connection, b"")
        listener.close()
        self.data = channels[b"D"]
        self.control = channels[b"C"]
        self.hello = {
            "protocol": 1,
            "target": target,
            "searchPath": list(search_path),
            "threads": threads,
            "environ": dict(
                {"SERVER_SOFTWARE": "xgi/test", "GATEWAY_INTERFACE": "CGI/1.1"}, **(environ or {})
            ),
            "multiprocess": True,
            "stateFile": self.state_file,
            "credit": credit,
        }
        self._next_stream = 0
        self.ready = self.boot_error = None
        if boot:
            self.boot()

    def boot(self):
        self.data.send(frames.encode(frames.HELLO, 0, json.dumps(self.hello).encode()))
        frame = self.data.receive()
        assert frame is not None, (
            "the worker ended: %s" % self.process.communicate(timeout=DEADLINE_SECONDS)[1].decode()
        )
        if frame.kind == frames.READY:
            self.ready = json.loads(frame.payload.decode())
        else:
            assert frame.kind == frames.ERROR and frame.stream == 0, frame
            self.boot_error = json.loads(frame.payload[4:].decode())

    def stream(self):
        self._next_stream += 1
        return self._next_stream

    def encode(self, path="/", method="GET", body=b"", spool=False, environ=(), stream=None, safe=None):
        """(stream, frame) of a request."""
        stream = stream or self.stream()
        delta = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "http",
        }
        if body or method in ("POST", "PUT"):
            delta["CONTENT_LENGTH"] = str(len(body))
        delta.update(environ)
        if safe is None:
            safe = method in ("GET", "HEAD", "OPTIONS", "TRACE")
        flags = (frames.SPOOLED if spool else 0) | (frames.SAFE if safe else 0)
        if spool:
            path = os.path.join(self.directory, "body-%d" % stream)
            with open(path, "wb") as file:
                file.write(body)
            body = path.encode()
        text = "\0".join(part for pair in delta.items() for part in pair).encode("latin-1")
        return stream, frames.encode(frames.REQUEST, stream, frames.U32.pack(len(text)) + text + body, flags)

    def send(self, *args, **kwargs):
        """Sends a request and returns its stream."""
        stream, frame = self.encode(*args, **kwargs)
        self.data.send(frame)
        return stream

    def tell(self, kind, stream=0, payload=b"", flags=0):
        self.control.send(frames.encode(kind, stream, payload, flags))

    def get(self, *args, **kwargs):
        """Sends a request and returns its Answer."""
        return self.answer(self.send(*args, **kwargs))

    def answer(self, stream, grant=True):
        """Collects the answer of `stream`; gives credit for what arrives if `grant`. Frames of other streams are an
        error."""
        status, fields, body, names, logs = None, None, b"", [], []
        while True:
            frame = self.data.receive()
            if frame is None:
                return Answer(status, fields, body, names, None, False, logs)
            assert frame.stream == stream, "frame of stream %d while waiting for %d: %r" % (
                frame.stream,
                stream,
                frame,
            )
            part = b""
            if frame.kind == frames.LOG:
                logs.append((frame.flags, frame.payload.decode()))
                continue
            names.append(frames.RULES[frame.kind].name)
            if frame.kind == frames.HEAD:
                status, fields, part = split_head(frame.payload)
                if frame.flags:
                    return Answer(status, fields, body + part, names, None, True, logs)
            elif frame.kind == frames.DATA:
                part = frame.payload
            elif frame.kind == frames.END:
                return Answer(status, fields, body, names, None, True, logs)
            elif frame.kind == frames.ERROR:
                return Answer(
                    status, fields, body, names, json.loads(frame.payload[4:].decode()), False, logs
                )
            body += part
            if grant and part:
                self.tell(frames.CREDIT, stream, frames.U32.pack(len(part)))

    def recall(self, *streams):
        self.tell(frames.RECALL, 0, struct.pack("<%dI" % len(streams), *streams))
        frame = self.control.receive()
        assert frame.kind == frames.RECALLED, frame
        return list(frames.decode_u32s(frame.payload))

    def started(self):
        """The words of the state file."""
        with open(self.state_file, "rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            words = list(frames.decode_u32s(mapping[:]))
            mapping.close()
        return words

    def wait_started(self, stream):
        """Waits until some thread has claimed `stream`."""
        wait_until(lambda: stream in self.started(), "stream %d is started" % stream)

    def exit_status(self):
        return self.process.wait(DEADLINE_SECONDS)

    def close(self):
        """Ends the worker, however it is; returns what it wrote to standard error."""
        for channel in (self.data, self.control):
            channel.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        stderr = self.process.communicate(timeout=DEADLINE_SECONDS)[1].decode()
        shutil.rmtree(self.directory, ignore_errors=True)
        return stderr


class WorkerTest(unittest.TestCase):
    """A test case with `self.start(target, …)`, which gives a Gateway that is closed afterwards."""

    def start(self, target, **options):
        gateway = Gateway(target, **options)
        self.addCleanup(gateway.close)
        return gateway

    def gateway_for(self, source, **options):
        """A Gateway for an application given as source code, in a file of its own."""
        directory = tempfile.mkdtemp(prefix="xgi-test-app-")
        self.addCleanup(shutil.rmtree, directory, True)
        with open(os.path.join(directory, "application.py"), "w") as file:
            file.write(source)
        return self.start("application:app", search_path=[directory], **options)


def split_head(payload):
    """(status, [(name, value)], body) of a HEAD payload."""
    length = frames.U32.unpack_from(payload, 4)[0]
    status, *rest = payload[8 : 8 + length].decode("latin-1").split("\0")
    return status, list(zip(rest[::2], rest[1::2])), payload[8 + length :]


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("not within %d s: %s" % (DEADLINE_SECONDS, what))
        time.sleep(0.002)


def stop(process, signum=signal.SIGKILL):
    os.kill(process.pid, signum)
