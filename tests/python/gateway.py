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


class Meeting:
    """A socket in a folder of its own, where processes of ours connect to."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="xgi-test-")
        self.path = os.path.join(self.directory, "socket")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(4)
        self._listener.settimeout(DEADLINE_SECONDS)

    def accept(self):
        """(the AUTH frame, its channel's letter as bytes, Channel) of the next connection."""
        connection, _ = self._listener.accept()
        auth = b""
        while len(auth) < 77:
            part = connection.recv(77 - len(auth))
            assert part, "the worker closed a channel before AUTH"
            auth += part
        return auth, auth[-1:], Channel(connection, b"")

    def close(self):
        self._listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Fifo:
    """Reads the FIFO that a process has made, from now to the end that comes with the process."""

    def __init__(self, path):
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._text = b""
        self._ended = False

    def wait_for(self, text):
        wait_until(lambda: self._read() or text in self._text.decode(), "%r on standard error" % text)

    def read(self):
        """All of it; waits for the end."""
        wait_until(lambda: self._read() or self._ended, "the end of standard error")
        return self._text.decode()

    def _read(self):
        try:
            part = None if self._ended else os.read(self._descriptor, 65536)
        except BlockingIOError:
            return
        self._text += part or b""
        self._ended = not part

    def close(self):
        os.close(self._descriptor)


def run_worker(start, cwd, python=None):
    """The process, which has been given its start line."""
    process = subprocess.Popen(
        [python or sys.executable, WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        start_new_session=True,
    )
    process.stdin.write(json.dumps(start).encode() + b"\n")
    process.stdin.close()
    process.stdin = None
    return process


def end(process):
    """Ends it, however it is; returns what it wrote to standard error."""
    if process.poll() is None:
        process.kill()
    return process.communicate(timeout=DEADLINE_SECONDS)[1].decode()


class Booting:
    """What worker and zygote have in common: HELLO and what comes until READY. `ready` is READY's object, or None when
    `boot_error` is set; `files` and `logs`, (level, text), came before."""

    def greet(self, channel):
        self.ready = self.boot_error = None
        self.files, self.logs = [], []
        channel.send(frames.encode(frames.HELLO, 0, json.dumps(self.hello).encode()))
        while True:
            frame = channel.receive()
            assert frame is not None, "the process ended before READY"
            if frame.kind == frames.FILES:
                self.files += json.loads(frame.payload.decode())["files"]
            elif frame.kind == frames.LOG:
                self.logs.append((frame.flags, frame.payload.decode()))
            elif frame.kind == frames.READY:
                self.ready = json.loads(frame.payload.decode())
                return
            else:
                assert frame.kind == frames.ERROR and frame.stream == 0, frame
                self.boot_error = json.loads(frame.payload[4:].decode())
                return


def settings(
    target, search_path, threads=1, state_file="", credit=262144, environ=None, watch=None, hello=None
):
    """HELLO; `hello` has members that are not always there."""
    made = {
        "protocol": 1,
        "target": target,
        "searchPath": list(search_path),
        "threads": threads,
        "environ": dict({"SERVER_SOFTWARE": "xgi/test", "GATEWAY_INTERFACE": "CGI/1.1"}, **(environ or {})),
        "multiprocess": True,
        "stateFile": state_file,
        "credit": credit,
    }
    if watch is not None:
        made["watch"] = watch
    made.update(hello or {})
    return made


class Zygote(Booting):
    """A zygote and its channel; hand it to Gateway to have a worker forked."""

    def __init__(
        self,
        target,
        search_path=(APPLICATIONS,),
        watch=None,
        fifo=False,
        boot=True,
        python=None,
        hello=None,
    ):
        self.meeting = Meeting()
        self.directory = self.meeting.directory
        start = {"socket": self.meeting.path, "token": TOKEN, "role": "zygote"}
        if fifo:
            start["stderr"] = os.path.join(self.directory, "stderr-zygote")
        self.process = run_worker(start, self.directory, python)
        self.auth, letter, self.channel = self.meeting.accept()
        assert letter == b"Z", letter
        self.fifo = Fifo(start["stderr"]) if fifo else None
        self.hello = settings(target, search_path, watch=watch, hello=hello)
        self._next_id = 0
        if boot:
            self.boot()

    def boot(self):
        self.greet(self.channel)

    def order(self, token=TOKEN, stderr=None):
        """Sends FORK and returns its id."""
        self._next_id += 1
        start = {"socket": self.meeting.path, "token": token}
        if stderr is not None:
            start["stderr"] = stderr
        value = {"id": self._next_id, "start": start}
        self.channel.send(frames.encode(frames.FORK, 0, json.dumps(value).encode()))
        return self._next_id

    def receive(self, kind):
        """The object of the next frame, which has to be of this kind."""
        frame = self.channel.receive()
        assert frame is not None and frame.kind == kind, frame
        return json.loads(frame.payload.decode())

    def exit_status(self):
        return self.process.wait(DEADLINE_SECONDS)

    def close(self):
        """Ends the zygote, however it is; returns what it wrote to standard error."""
        self.channel.socket.close()
        stderr = end(self.process)
        if self.fifo is not None:
            self.fifo.close()
        self.meeting.close()
        return stderr


class Gateway(Booting):
    """One worker and the channels to it; `process` is None and `pid` set if a zygote has forked it."""

    def __init__(
        self,
        target,
        threads=1,
        credit=262144,
        environ=None,
        search_path=(APPLICATIONS,),
        boot=True,
        python=None,
        watch=None,
        fifo=False,
        zygote=None,
        hello=None,
    ):
        self._meeting = zygote.meeting if zygote else Meeting()
        self._zygote = zygote
        self.directory = self._meeting.directory
        token = os.urandom(32).hex() if zygote else TOKEN
        self.state_file = os.path.join(self.directory, "state-" + token[:8])
        with open(self.state_file, "wb") as file:
            file.write(b"\0" * 4 * threads)
        stderr = os.path.join(self.directory, "stderr-" + token[:8]) if fifo else None
        self.process = self.pid = None
        if zygote:
            zygote.order(token, stderr)
            self.pid = zygote.receive(frames.FORKED)["pid"]
        else:
            start = {"socket": self._meeting.path, "token": token}
            if fifo:
                start["stderr"] = stderr
            self.process = run_worker(start, self.directory, python)
        channels = {}
        self.raw_auth = []
        for _ in range(2):
            auth, letter, channels[letter] = self._meeting.accept()
            assert auth[12:76].decode() == token
            self.raw_auth.append(auth)
        self.data = channels[b"D"]
        self.control = channels[b"C"]
        self.fifo = Fifo(stderr) if fifo else None
        self.hello = settings(
            target, search_path, threads, self.state_file, credit, environ, watch, hello
        )
        self._next_stream = 0
        if boot:
            self.boot()

    def boot(self):
        self.greet(self.data)

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
        if self.fifo is not None:
            self.fifo.close()
            self.fifo = None
        if self._zygote is not None:
            return ""
        stderr = end(self.process)
        self._meeting.close()
        return stderr


class WorkerTest(unittest.TestCase):
    """A test case with `self.start(target, …)`, which gives a Gateway that is closed afterwards."""

    def start(self, target, **options):
        gateway = Gateway(target, **options)
        self.addCleanup(gateway.close)
        return gateway

    def start_zygote(self, target, **options):
        zygote = Zygote(target, **options)
        self.addCleanup(zygote.close)
        return zygote

    def folder(self, **sources):
        """A new folder with these modules; the path of none of its parts is a symbolic link."""
        directory = os.path.realpath(tempfile.mkdtemp(prefix="xgi-test-app-"))
        self.addCleanup(shutil.rmtree, directory, True)
        for name, source in sources.items():
            with open(os.path.join(directory, name + ".py"), "w") as file:
                file.write(source)
        return directory

    def gateway_for(self, source, **options):
        """A Gateway for an application given as source code, in a file of its own."""
        return self.start("application:app", search_path=[self.folder(application=source)], **options)

    def zygote_for(self, source, **options):
        """The same for a Zygote."""
        return self.start_zygote("application:app", search_path=[self.folder(application=source)], **options)


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
