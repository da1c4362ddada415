"""The spawner as the gateway sees it: how it gives up root, what it starts, signals and tells, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from gateway import DEADLINE_SECONDS, PACKAGE_PARENT, Channel, frames, wait_until

SPAWNER = os.path.join(PACKAGE_PARENT, "xgi_spawner")
WORKER, GATEWAY = 54321, 54322
SHELL = ["/bin/sh", "-c", 'read -r line; echo "$line" > "$OUT"; id -u >> "$OUT"; exec sleep 600']


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class SpawnerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="xgi-test-")
        self.addCleanup(subprocess.call, ["rm", "-rf", self.folder])
        os.chmod(self.folder, 0o777)
        self.out = os.path.join(self.folder, "out")

    def launch(self, **changes):
        """Starts one and sends HELLO; returns its first frame, None if there is none."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        program = "import os, sys; os.dup2(%d, 3); os.set_inheritable(3, True); os.execv(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program % theirs.fileno(), sys.executable, "-I", "-S", "-B", SPAWNER],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self.addCleanup(self.end, self.process)
        self.channel = Channel(ours, b"")
        self.channel._decoder = frames.Decoder(frames.TO_GATEWAY, frames.ZYGOTE_CHANNEL)
        hello = {
            "protocol": 1,
            "user": {"uid": WORKER, "gid": WORKER, "account": None},
            "gatewayUid": GATEWAY,
            "umask": 0o27,
            "argv": SHELL,
            "cwd": self.folder,
            "env": {"OUT": self.out, "PATH": "/usr/bin:/bin"},
            "needs": [],
            **changes,
        }
        self.send(frames.HELLO, json.dumps(hello).encode())
        return self.channel.receive()

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        process.stderr.close()

    def send(self, kind, payload=b""):
        self.channel.send(frames.encode(kind, 0, payload))

    def fork(self, number=1):
        """Returns the object of FORKED."""
        self.send(frames.FORK, json.dumps({"id": number, "start": {"token": "abc"}}).encode())
        frame = self.channel.receive()
        self.assertEqual(frame.kind, frames.FORKED)
        return frames.decode_json(frame.payload)

    def start(self):
        """Returns the process id of a worker that runs."""
        answer = self.fork()
        self.assertEqual(sorted(answer), ["id", "pid"])
        self.addCleanup(self.kill, answer["pid"])
        wait_until(lambda: os.path.exists(self.out) and len(self.lines()) == 2, "the worker's answer")
        return answer["pid"]

    @staticmethod
    def kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def lines(self):
        with open(self.out, encoding="utf-8") as file:
            return file.read().splitlines()

    def signal(self, pid, number):
        self.send(frames.SIGNAL, frames.U32.pack(pid) + frames.U32.pack(number))

    def exited(self):
        frame = self.channel.receive()
        self.assertEqual(frame.kind, frames.EXITED)
        return frames.decode_json(frame.payload)

    def ids(self, pid):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            fields = dict(line.rstrip("\n").split(":", 1) for line in file)
        return {name: fields[name].split() for name in ("Uid", "Gid", "Groups", "CapEff", "CapPrm")}

    def test_who_it_is_and_who_workers_are(self):
        self.assertEqual(self.launch().kind, frames.READY)
        worker, gateway = str(WORKER), str(GATEWAY)
        none = ["0" * 16]
        ids = self.ids(self.process.pid)
        self.assertEqual(ids["Uid"], [gateway, worker, gateway, worker])
        self.assertEqual((ids["Gid"], ids["Groups"]), ([worker] * 4, [worker]))
        self.assertEqual((ids["CapEff"], ids["CapPrm"]), (none, none))
        ids = self.ids(self.start())
        self.assertEqual((ids["Uid"], ids["Gid"], ids["Groups"]), ([worker] * 4, [worker] * 4, [worker]))
        self.assertEqual(self.lines(), ['{"token": "abc"}', worker])
        self.assertEqual(os.stat(self.out).st_mode & 0o777, 0o640)

    def test_the_groups_of_an_account(self):
        expected = subprocess.check_output(["id", "-G", "daemon"], text=True).split()
        user = {"uid": 1, "gid": int(expected[0]), "account": "daemon"}
        self.assertEqual(self.launch(user=user).kind, frames.READY)
        self.assertEqual(sorted(self.ids(self.process.pid)["Groups"]), sorted(expected))

    def test_ends_are_told(self):
        self.launch()
        pid = self.start()
        self.signal(pid, signal.SIGKILL)
        self.assertEqual(self.exited(), {"pid": pid, "code": None, "signal": 9})
        # It is no child any more, and whoever has its number next is somebody else's.
        self.signal(pid, signal.SIGKILL)
        self.signal(0xFFFFFFFF, signal.SIGKILL)
        self.assertIsNone(self.process.poll())

    def test_others_are_signalled_with_the_rights_of_the_user(self):
        self.launch()
        users = [0, GATEWAY, WORKER]
        others = [subprocess.Popen(["sleep", "600"], preexec_fn=lambda uid=uid: os.setuid(uid)) for uid in users]
        for other in others:
            self.addCleanup(other.wait)
            self.addCleanup(other.kill)
            self.signal(other.pid, signal.SIGTERM)
        self.assertEqual(others[2].wait(DEADLINE_SECONDS), -signal.SIGTERM)
        self.assertEqual([other.poll() for other in others[:2]], [None, None])

    def test_what_cannot_be_started(self):
        self.launch(argv=["/no/such/python", "x"])
        self.assertEqual(
            self.fork(7), {"id": 7, "error": "cannot execute /no/such/python: No such file or directory"}
        )
        self.launch(cwd="/root")
        mode = os.stat("/root").st_mode
        if not mode & 0o005:
            self.assertEqual(self.fork(8), {"id": 8, "error": "cannot enter the folder /root: Permission denied"})

    def test_needs_that_are_not_met(self):
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="ascii"):
            os.chmod(secret, 0o600)
        frame = self.launch(needs=[["enter", self.folder, 1], ["read", secret, 4]])
        self.assertEqual(frame.kind, frames.ERROR)
        failure = json.loads(frame.payload[4:].decode())
        self.assertEqual(failure, {"class": "EACCES", "message": "read %s" % secret, "traceback": ""})
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 0)

    def test_it_ends_with_its_channel_and_signals_do_not_end_it(self):
        self.launch()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(self.process.pid, number)
        pid = self.start()
        self.channel.socket.close()
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 0)
        os.kill(pid, 0)

    def test_drain(self):
        self.launch()
        self.send(frames.DRAIN)
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 0)

    def test_protocol_errors(self):
        self.assertIsNone(self.launch(protocol=2))
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 1)
        self.assertIn(b"protocol error on the spawner's channel", self.process.stderr.read())
        self.assertIsNone(self.launch(user={"uid": -1, "gid": 1, "account": None}))
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 1)
        self.launch()
        self.send(frames.HELLO, b"{}")
        self.assertEqual(self.process.wait(DEADLINE_SECONDS), 1)

    def test_workers_have_no_descriptors_of_its(self):
        self.launch(argv=["/bin/sh", "-c", 'read -r line; ls /proc/self/fd > "$OUT"; echo >> "$OUT"'])
        self.fork()
        wait_until(lambda: os.path.exists(self.out) and "" in self.lines(), "the list")
        # 3 is that of the listing.
        self.assertEqual(self.lines()[:-1], ["0", "1", "2", "3"])


if __name__ == "__main__":
    unittest.main()
