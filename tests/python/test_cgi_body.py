"""A body that is still coming when its program starts: what it reads, what is given back, and what ends it."""

import hashlib
import os
import sys
import unittest

from cgi_gateway import LauncherTest, eventually, frames, is_alive

WATCHER = """#!%s
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
while True:
    piece = os.read(0, 65536)
    if not piece:
        break
    print(len(piece), flush=True)
open(sys.argv[1], "w").close()
""" % sys.executable


class StreamedBody(LauncherTest):
    def feed(self, launcher, stream, data, size=65536):
        """Sends `data` as BODY, as there is credit; `credit` was used up by what has been sent."""
        result = launcher.results[stream]
        sent = self.sent.get(stream, 0)
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            launcher.wait(
                lambda: result.body_closed or sent + len(piece) <= self.credit + result.body_credit  # noqa: B023
            )
            if result.body_closed:
                return
            launcher.send(frames.BODY, stream, piece)
            sent += len(piece)
        self.sent[stream] = sent

    def setUp(self):
        super().setUp()
        self.credit = 262144
        self.sent = {}

    def begin(self, launcher, script, body=b""):
        stream = launcher.shell(script, body=body, more=True)
        self.sent[stream] = len(body)
        return stream

    def test_all_of_it_arrives_and_is_given_back(self):
        launcher = self.launch()
        for size in (0, 1, 65536, 130000):
            with self.subTest(size):
                beginning, rest = os.urandom(size), os.urandom(3000000)
                stream = self.begin(launcher, "sha256sum", beginning)
                self.feed(launcher, stream, rest)
                launcher.wait(lambda: launcher.results[stream].body_credit == size + len(rest))  # noqa: B023
                launcher.send(frames.BODY_END, stream)
                found = launcher.finish(stream)
                digest = hashlib.sha256(beginning + rest).hexdigest()
                self.assertEqual(found.output.split()[0].decode(), digest)
                self.assertFalse(found.body_closed)

    def test_it_may_end_before_the_program_has_read_anything(self):
        launcher = self.launch()
        stream = self.begin(launcher, "sleep 0.1; wc -c", b"x" * 100000)
        launcher.send(frames.BODY, stream, b"y" * 100000)
        launcher.send(frames.BODY_END, stream)
        self.assertEqual(launcher.finish(stream).output.strip(), b"200000")

    def test_tiny_pieces_take_little_more_memory_than_their_bytes(self):
        launcher = self.launch()
        beginning, last = os.urandom(100000), b"z" * 5000
        scripts = ["read line < %s/%s; sha256sum" % (self.fifo(name), name) for name in "abcd"]
        streams = [self.begin(launcher, script, beginning) for script in scripts]
        for stream in streams:
            self.feed(launcher, stream, b"y" * 162144)
        # The pipes are full.
        while launcher.read(0.3):
            pass
        tiny = os.urandom(min(launcher.results[stream].body_credit for stream in streams) - len(last))
        before = launcher.resident()
        for stream in streams:
            for at in range(0, len(tiny), 1000):
                pieces = (tiny[i : i + 1] for i in range(at, min(at + 1000, len(tiny))))
                launcher.socket.sendall(b"".join(frames.encode(frames.BODY, stream, piece) for piece in pieces))
            launcher.send(frames.BODY, stream, last)
            launcher.send(frames.BODY_END, stream)
        # All of it has been read when what comes behind is run.
        launcher.finish(launcher.shell("true"))
        self.assertLess(launcher.resident() - before, 16 * 1024 * 1024)
        digest = hashlib.sha256(beginning + b"y" * 162144 + tiny + last).hexdigest()
        for name, stream in zip("abcd", streams):
            self.release(name)
            self.assertEqual(launcher.finish(stream).output.split()[0].decode(), digest)

    def test_an_empty_one(self):
        launcher = self.launch()
        stream = self.begin(launcher, "readlink /proc/self/fd/0 | cut -c1-4; wc -c")
        launcher.send(frames.BODY_END, stream)
        self.assertEqual(launcher.finish(stream).output.split(), [b"pipe", b"0"])

    def test_a_warm_program_reads_it_too(self):
        launcher = self.launch()
        path = self.write("count.py", "#!%s\nimport sys\nprint(len(sys.stdin.buffer.read()))\n" % sys.executable)
        self.warm_up(launcher, path)
        stream = self.start(launcher, path, body=b"x" * 70000, more=True)
        self.sent[stream] = 70000
        self.feed(launcher, stream, b"y" * 1000000)
        launcher.send(frames.BODY_END, stream)
        result = launcher.finish(stream)
        self.assertEqual((result.warm, result.output), (True, b"1070000\n"))

    def test_without_a_reader_it_is_held_back_and_output_is_not(self):
        launcher = self.launch()
        stream = self.begin(launcher, "echo started; read line < %s/go" % self.fifo("go"), b"x" * 100000)
        launcher.send(frames.BODY, stream, b"y" * 162144)
        result = launcher.results[stream]
        launcher.wait(lambda: result.output == b"started\n")
        # As much as the pipe holds.
        launcher.wait(lambda: result.body_credit)
        while launcher.read(0.3):
            pass
        held = result.body_credit
        self.assertLessEqual(held, 262144)
        launcher.send(frames.BODY, stream, b"z" * held)
        while launcher.read(0.3):
            pass
        self.assertEqual(result.body_credit, held)
        self.release("go")
        self.assertEqual(launcher.finish(stream).status, 0)

    def test_who_closes_it_is_told_of_at_once_and_goes_on(self):
        launcher = self.launch()
        for beginning in (b"", b"x" * 100000):
            stream = self.begin(launcher, "exec <&-; read line < %s/go; echo done" % self.fifo("go"), beginning)
            launcher.wait(lambda: launcher.results[stream].body_closed)  # noqa: B023
            # These have crossed with it.
            launcher.send(frames.BODY, stream, b"y" * 1000)
            launcher.send(frames.BODY_END, stream)
            self.release("go")
            self.assertEqual(launcher.finish(stream).output, b"done\n")

    def test_what_comes_for_a_run_that_is_over_means_nothing(self):
        launcher = self.launch()
        stream = self.begin(launcher, "exit 3", b"x" * 100000)
        self.assertEqual(launcher.finish(stream).status, 3)
        launcher.send(frames.BODY, stream, b"y" * 1000)
        launcher.send(frames.BODY_END, stream)
        self.assertEqual(launcher.finish(launcher.shell("echo other")).output, b"other\n")

    def test_an_abort_shows_no_end(self):
        launcher = self.launch()
        path = self.write("watcher.py", WATCHER)
        for warm in (False, True):
            with self.subTest(warm=warm):
                self.check_no_end(launcher, path, warm, lambda stream: launcher.send(frames.ABORT, stream))

    def test_nor_does_the_end_of_the_gateway(self):
        launcher = self.launch()
        path = self.write("watcher.py", WATCHER)
        self.check_no_end(launcher, path, False, lambda stream: launcher.socket.close())

    def check_no_end(self, launcher, path, warm, break_off):
        seen = os.path.join(self.folder, "seen")
        if warm:
            self.warm_up(launcher, self.write("warm.py", "#!%s\n" % sys.executable))
        stream = (self.start if warm else self.start_cold)(launcher, path, args=[seen], body=b"x" * 1000, more=True)
        result = launcher.results[stream]
        launcher.wait(lambda: result.output.endswith(b"1000\n"))
        self.assertEqual(result.warm, warm)
        break_off(stream)
        self.assertTrue(eventually(lambda: not is_alive(result.pid)))
        self.assertFalse(os.path.exists(seen))

    @staticmethod
    def start_cold(launcher, path, args=(), **order):
        return launcher.run(path, [path, *args], **order)

    def test_no_descriptor_is_left(self):
        launcher = self.launch()
        launcher.finish(launcher.shell(":"))
        before = launcher.descriptors()
        for script in ("cat > /dev/null", "exit 0", "exec <&-; echo", "kill -9 $$"):
            stream = self.begin(launcher, script, b"x" * 100000)
            launcher.send(frames.BODY_END, stream)
            launcher.finish(stream)
        stream = self.begin(launcher, "sleep 1000", b"x" * 100000)
        launcher.wait(lambda: launcher.results[stream].pid)
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: launcher.results[stream].exited)
        failed = launcher.run("/nonexistent", body=b"x" * 100000, more=True)
        self.assertEqual(launcher.finish(failed).error["class"], "ENOENT")
        self.assertTrue(eventually(lambda: launcher.descriptors() == before))

    def fifo(self, name):
        path = os.path.join(self.folder, name)
        if not os.path.exists(path):
            os.mkfifo(path)
        return self.folder

    def release(self, name):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write("go\n")


class Misuse(LauncherTest):
    def refused(self, misuse, reason):
        launcher = self.launch()
        launcher.wait(lambda: launcher.ready)
        misuse(launcher)
        with self.assertRaises(EOFError):
            while launcher.read(30):
                pass
        self.assertEqual(launcher.process.wait(30), 1)
        self.assertIn(reason, launcher.process.stderr.read())

    def test_more_of_a_body_that_was_complete(self):
        for kind, payload in ((frames.BODY, b"x"), (frames.BODY_END, b"")):
            with self.subTest(kind):
                self.refused(
                    lambda launcher: launcher.send(kind, launcher.shell("sleep 1000"), payload),  # noqa: B023
                    b"unknown-type",
                )

    def test_more_behind_its_end(self):
        def misuse(launcher):
            stream = launcher.shell("sleep 1000", more=True)
            launcher.send(frames.BODY_END, stream)
            launcher.send(frames.BODY, stream, b"x")

        self.refused(misuse, b"unknown-type")

    def test_more_than_there_is_credit_for(self):
        def misuse(launcher):
            stream = launcher.shell("sleep 1000", body=b"x" * 65536, more=True)
            # As much again as the pipe may have taken.
            for _ in range(2):
                launcher.send(frames.BODY, stream, b"y" * 262144)
            launcher.send(frames.BODY, stream, b"z")

        self.refused(misuse, b"payload-length")

    def test_a_file_that_is_only_the_beginning(self):
        path = self.write("body", "from a file", 0o600)
        self.refused(lambda launcher: launcher.shell("cat", bodyFile=path, more=True), b"bad-json")


if __name__ == "__main__":
    unittest.main()
