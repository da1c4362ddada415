"""Standard error through the FIFO: what is written before HELLO, by programs, by the fault handler, and when there is
none."""

import json
import os
import signal
import stat
import unittest

from gateway import (
    DEADLINE_SECONDS,
    TOKEN,
    Gateway,
    Meeting,
    WorkerTest,
    end,
    run_worker,
    stop,
)

SOURCE = """
import os, subprocess, sys, time
sys.stderr.write("imported\\n")
def app(environ, start_response):
    start_response("200 OK", [])
    globals()[environ["PATH_INFO"][1:]]()
    return [repr([os.fstat(2).st_mode, sorted(os.listdir("/dev/fd"))]).encode()]
def line():
    sys.stderr.write("a line\\n")
def part():
    print("without its end", end="", file=sys.stderr, flush=True)
def program():
    subprocess.run(["sh", "-c", "echo of a program >/dev/stderr"], check=True)
def sleep():
    time.sleep(600)
def crash():
    import ctypes
    ctypes.string_at(0)
"""


class StandardError(WorkerTest):
    def worker(self, **options):
        gateway = self.gateway_for(SOURCE, fifo=True, **options)
        self.assertIsNone(gateway.boot_error)
        return gateway

    def test_the_fifo(self):
        gateway = self.worker()
        status = os.stat(os.path.join(gateway.directory, "stderr-" + TOKEN[:8]))
        self.assertTrue(stat.S_ISFIFO(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o640)
        gateway.fifo.wait_for("imported\n")
        for path, text in (("/line", "a line\n"), ("/part", "without its end"), ("/program", "of a program\n")):
            answer = gateway.get(path)
            self.assertTrue(stat.S_ISFIFO(eval(answer.body)[0]), answer)
            gateway.fifo.wait_for(text)
        stop(gateway.process)
        self.assertTrue(gateway.fifo.read().endswith("of a program\n"))
        self.assertEqual(gateway.close(), "")

    def test_nothing_of_it_stays_open(self):
        with_fifo = self.worker()
        without = self.gateway_for(SOURCE)
        counts = [len(eval(gateway.get("/line").body)[1]) for gateway in (with_fifo, without)]
        self.assertEqual(counts[0], counts[1])

    def test_the_fault_handler(self):
        for threads in (1, 2):
            gateway = self.worker(threads=threads)
            stream = gateway.send("/sleep")
            gateway.wait_started(stream)
            stop(gateway.process, signal.SIGABRT)
            self.assertEqual(gateway.exit_status(), -signal.SIGABRT)
            text = gateway.fifo.read()
            self.assertIn("Aborted", text)
            self.assertIn("in sleep", text)

    def test_the_fault_handler_on_a_segmentation_fault(self):
        zygote = self.zygote_for(SOURCE, fifo=True)
        zygote.fifo.wait_for("imported")
        forked = Gateway("x", zygote=zygote, fifo=True)
        self.addCleanup(forked.close)
        spawned = self.worker()
        for gateway in (spawned, forked):
            gateway.send("/crash")
            self.assertIsNone(gateway.data.receive())
            text = gateway.fifo.read()
            self.assertIn("Segmentation fault", text)
            self.assertIn("in crash", text)

    def test_replaced_by_the_application(self):
        gateway = self.gateway_for(
            "import io, os, sys\nsys.stderr = io.StringIO()\ndef app(e, s):\n  os.abort()\n", fifo=True
        )
        gateway.send("/")
        self.assertIn("in app", gateway.fifo.read())

    def test_each_forked_worker_has_its_own(self):
        zygote = self.zygote_for(SOURCE, fifo=True)
        workers = [Gateway("x", zygote=zygote, fifo=True) for _ in range(2)]
        for worker in workers:
            self.addCleanup(worker.close)
            self.assertTrue(worker.get("/line").ended)
            worker.fifo.wait_for("a line")
            os.kill(worker.pid, signal.SIGKILL)
            self.assertEqual(worker.fifo.read(), "a line\n")
        stop(zygote.process, signal.SIGTERM)
        self.assertEqual(zygote.fifo.read(), "imported\n")

    def test_it_cannot_be_made(self):
        meeting = Meeting()
        self.addCleanup(meeting.close)
        with open(os.path.join(meeting.directory, "taken"), "w"):
            pass
        for name in ("no/folder", "taken"):
            start = {
                "socket": meeting.path,
                "token": TOKEN,
                "stderr": os.path.join(meeting.directory, name),
            }
            process = run_worker(start, meeting.directory)
            for _ in range(2):
                channel = meeting.accept()[2]
                self.addCleanup(channel.socket.close)
            self.assertIn(b"the FIFO cannot be made", process.stderr.readline())
            end(process)

    def test_a_gateway_that_cannot_be_reached(self):
        meeting = Meeting()
        self.addCleanup(meeting.close)
        start = {"socket": meeting.path + "-not", "token": TOKEN, "stderr": meeting.path + "-stderr"}
        process = run_worker(start, meeting.directory)
        self.assertIn("cannot reach the gateway", process.communicate(timeout=DEADLINE_SECONDS)[1].decode())
        self.assertEqual(process.returncode, 1)

    def test_a_wrong_start_line(self):
        meeting = Meeting()
        self.addCleanup(meeting.close)
        good = {"socket": meeting.path, "token": TOKEN}
        for wrong in ([], {}, {"socket": meeting.path}, {**good, "role": "king"}, {**good, "stderr": ""}):
            process = run_worker(wrong, meeting.directory)
            stderr = process.communicate(timeout=DEADLINE_SECONDS)[1].decode()
            self.assertEqual(process.returncode, 1, json.dumps(wrong))
            self.assertIn("started by xgi", stderr)
            self.assertNotIn(TOKEN, stderr)


if __name__ == "__main__":
    unittest.main()
