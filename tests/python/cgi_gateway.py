"""The gateway's side of a launcher's channel, for tests: starts the real launcher over a socket pair and speaks
frames with it.

Everything waits with a deadline, so a test that goes wrong fails and does not hang.
"""

import collections
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from gateway import PACKAGE_PARENT, ROOT, frames

LAUNCHER = os.path.join(PACKAGE_PARENT, "xgi_cgi")
PROGRAMS = os.path.join(ROOT, "tests", "python", "cgi")
DEADLINE_SECONDS = 30
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"

NO_LIMITS = {"cpuSeconds": None, "memoryBytes": None, "files": None, "processes": None}
HELLO = {
    "protocol": 1,
    "environ": {"PATH": SEARCH_PATH},
    "credit": 262144,
    "killGraceMs": 300,
    "stderrBytes": 65536,
    "limits": NO_LIMITS,
    "umask": None,
    "user": None,
    "preload": [],
}


class Result:
    """What is known of a run so far. `ended`: END came; `exited`: the object of EXITED; `error`: that of ERROR."""

    def __init__(self):
        self.pid = None
        self.warm = None
        self.output = b""
        self.errors = b""
        self.ended = False
        self.exited = None
        self.error = None
        self.body_credit = 0
        self.body_closed = False
        self.kinds = []

    @property
    def over(self):
        return self.error is not None or (self.ended and self.exited is not None)

    @property
    def status(self):
        """The exit code, or minus the signal."""
        code = self.exited["code"]
        return -self.exited["signal"] if code is None else code


class Launcher:
    """A running launcher. Frames that come are sorted into `results` by stream, and `logs`."""

    def __init__(self, python=None, **hello):
        self.socket, theirs = socket.socketpair()
        self.results = collections.defaultdict(Result)
        self.logs = []
        self.ready = None
        self._decoder = frames.Decoder(frames.TO_GATEWAY, frames.LAUNCHER_CHANNEL)
        self._stream = 0
        self.closed = False
        descriptor = theirs.fileno()
        # The launcher's channel is its descriptor 3, which nothing in Python's subprocess can give it.
        starter = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", starter, str(descriptor), python or sys.executable]
            + ["-I", "-S", "-B", LAUNCHER],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(descriptor,),
            env={},
            cwd="/",
        )
        theirs.close()
        self.send(frames.HELLO, 0, json.dumps({**HELLO, **hello}).encode("ascii"))

    def send(self, kind, stream=0, payload=b"", flags=0):
        self.socket.sendall(frames.encode(kind, stream, payload, flags))

    def run(self, path, argv=None, cwd="/", environ=None, body=b"", more=False, **members):
        """Sends a RUN of `path` and returns its stream. Text is os.fsencode'd into byte text.

        `environ`: a dict, or pairs.
        """
        self._stream += 1
        command = {"path": path, "argv": argv or [path], "cwd": cwd, "warm": None, **members}
        text = json.dumps(byte_text(command)).encode("ascii")
        pairs = environ.items() if isinstance(environ, dict) else environ or ()
        variables = b"\0".join(os.fsencode(part) for pair in pairs for part in pair)
        self.send(
            frames.RUN,
            self._stream,
            frames.U32.pack(len(text)) + text + frames.U32.pack(len(variables)) + variables + body,
            frames.MORE if more else 0,
        )
        return self._stream

    def shell(self, script, **order):
        return self.run("/bin/sh", ["sh", "-c", script], **order)

    def finish(self, stream):
        """Returns the Result of the run once it is over."""
        self.wait(lambda: self.results[stream].over)
        return self.results[stream]

    def wait(self, condition, seconds=DEADLINE_SECONDS):
        """Reads frames until condition() is true."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.read(max(0, deadline - time.monotonic())):
                raise AssertionError("not within %s s; logs: %s" % (seconds, self.logs))

    def read(self, seconds):
        """Takes what comes within `seconds`; False if nothing did. EOFError if the launcher has closed."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return False
        data = self.socket.recv(1 << 20)
        if not data:
            self.closed = True
            raise EOFError("the launcher has closed its channel")
        for frame in self._decoder.feed(data):
            self._take(frame)
        return True

    def _take(self, frame):
        if frame.kind == frames.READY:
            self.ready = frames.decode_json(frame.payload)
            return
        if frame.kind == frames.LOG:
            self.logs.append((frame.flags, frame.payload.decode("utf-8")))
            return
        result = self.results[frame.stream]
        result.kinds.append(frames.LAUNCHER_RULES[frame.kind].name)
        if frame.kind == frames.STARTED:
            (result.pid,) = frames.decode_u32s(frame.payload)
            result.warm = frame.flags == frames.WARM
        elif frame.kind == frames.DATA:
            result.output += frame.payload
        elif frame.kind == frames.STDERR:
            result.errors += frame.payload
        elif frame.kind == frames.BODY_CREDIT:
            result.body_credit += frames.decode_u32s(frame.payload)[0]
        elif frame.kind == frames.BODY_CLOSED:
            result.body_closed = True
        elif frame.kind == frames.END:
            result.ended = True
        elif frame.kind == frames.EXITED:
            result.exited = frames.decode_json(frame.payload)
        elif frame.kind == frames.ERROR:
            result.error = frames.decode_json(frame.payload[4:])

    def descriptors(self):
        """How many the launcher has open."""
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def resident(self):
        """Bytes of memory that the launcher has."""
        with open("/proc/%d/statm" % self.process.pid) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def drain(self):
        """Returns the exit status."""
        self.send(frames.DRAIN)
        return self.process.wait(DEADLINE_SECONDS)

    def close(self):
        """Ends it; whatever it runs is killed."""
        self.socket.close()
        try:
            self.process.wait(DEADLINE_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()


def byte_text(value):
    if isinstance(value, (str, bytes)):
        return os.fsencode(value).decode("latin-1")
    if isinstance(value, dict):
        return {name: byte_text(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [byte_text(member) for member in value]
    return value


def eventually(condition, seconds=DEADLINE_SECONDS):
    """Polls; returns whether condition() became true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return condition()


def is_alive(pid):
    """Whether there is such a process, other than a zombie that nobody waits for."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in (b"Z", b"X")
    except OSError:
        return False


class LauncherTest(unittest.TestCase):
    """With a private folder, and launchers that are ended with the test."""

    def setUp(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="xgi-cgi-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)

    def launch(self, **hello):
        launcher = Launcher(**hello)
        self.addCleanup(launcher.close)
        return launcher

    def write(self, name, content, mode=0o755):
        """A file in the folder; returns its path."""
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        os.chmod(path, mode)
        return path

    def install(self, name, python=None):
        """A copy of a program of tests/python/cgi, executed by `python` (default: this one); returns its path."""
        with open(os.path.join(PROGRAMS, name), "rb") as file:
            source = file.read()
        _, _, rest = source.partition(b"\n")
        return self.write(name, b"#!" + os.fsencode(python or sys.executable) + b"\n" + rest)

    def warm_up(self, launcher, path, python=None):
        """Returns once scripts of the interpreter run warm."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not launcher.finish(self.start(launcher, path, python)).warm:
            self.assertLess(time.monotonic(), deadline, "never warm; logs: %s" % launcher.logs)

    @staticmethod
    def start(launcher, path, python=None, args=(), **order):
        """Runs a script, warm if there is a zygote."""
        order.setdefault("cwd", os.path.dirname(path))
        return launcher.run(
            path, [path, *args], warm=python or sys.executable, script=path, args=list(args), **order
        )
