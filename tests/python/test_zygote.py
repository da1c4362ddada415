"""The zygote as the gateway sees it: the import, the workers that it forks and that serve, how they and it end."""

import json
import os
import signal
import subprocess
import time
import unittest

from gateway import DEADLINE_SECONDS, TOKEN, Gateway, WorkerTest, frames, wait_until


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@unittest.skipUnless(hasattr(os, "fork"), "needs fork")
class ZygoteTest(WorkerTest):
    def fork(self, zygote, **options):
        worker = Gateway(zygote.hello["target"], zygote=zygote, **options)
        self.addCleanup(worker.close)
        self.addCleanup(lambda: is_alive(worker.pid) and os.kill(worker.pid, signal.SIGKILL))
        return worker


class Start(ZygoteTest):
    def test_auth_and_ready(self):
        zygote = self.start_zygote("hello:app")
        (auth,) = frames.Decoder(frames.TO_GATEWAY, frames.ZYGOTE_CHANNEL).feed(zygote.auth)
        self.assertEqual((auth.kind, auth.payload), (frames.AUTH, TOKEN.encode() + b"Z"))
        self.assertEqual(zygote.ready["pid"], zygote.process.pid)
        self.assertEqual((zygote.logs, zygote.files), ([], []))

    def test_an_application_that_cannot_be_loaded(self):
        zygote = self.zygote_for("import no_such_library\n", watch=True)
        self.assertEqual(zygote.boot_error["hint"], "missing-module:no_such_library")
        self.assertIn("application.py", zygote.boot_error["traceback"])
        self.assertNotIn("xgi_worker/", zygote.boot_error["traceback"])
        self.assertIn(os.path.join(zygote.hello["searchPath"][0], "application.py"), zygote.files)
        self.assertEqual(zygote.exit_status(), 3)

    def test_threads_are_warned_of(self):
        zygote = self.zygote_for(
            "import threading, time\n"
            "threading.Thread(target=time.sleep, args=(600,), name='poller').start()\n"
            "def app(e, s):\n  s('200 OK', [])\n  return [str(threading.active_count()).encode()]\n"
        )
        ((level, text),) = zygote.logs
        self.assertEqual(level, frames.LEVEL_WARNING)
        self.assertIn("(poller)", text)
        self.assertIn("post_fork", text)
        # The main one and the control thread.
        self.assertEqual(self.fork(zygote).get("/").body, b"2")
        zygote.channel.send(frames.encode(frames.DRAIN))
        self.assertEqual(zygote.exit_status(), 0)

    def test_the_gateway_dies_while_the_application_is_imported(self):
        zygote = self.zygote_for("import time\nprint('importing', flush=True)\ntime.sleep(600)\n", boot=False)
        zygote.channel.send(frames.encode(frames.HELLO, 0, json.dumps(zygote.hello).encode()))
        self.assertEqual(zygote.process.stdout.readline(), b"importing\n")
        zygote.channel.socket.close()
        self.assertEqual(zygote.exit_status(), 1)

    def test_a_program_started_by_the_import_holds_nothing_up(self):
        zygote = self.zygote_for(
            "import os, signal, subprocess, time\n"
            "if not os.fork():\n  time.sleep(600)\n  os._exit(0)\n"
            "other = subprocess.Popen(['sleep', '600'])\n"
            "def app(e, s):\n  s('200 OK', [])\n  return [str(other.pid).encode()]\n"
        )
        other = int(self.fork(zygote).get("/").body)
        self.addCleanup(os.killpg, zygote.process.pid, signal.SIGKILL)
        os.kill(other, signal.SIGKILL)
        worker = self.fork(zygote)
        worker.data.send(frames.encode(frames.DRAIN))
        zygote.receive(frames.EXITED)
        zygote.channel.send(frames.encode(frames.DRAIN))
        self.assertEqual(zygote.exit_status(), 0)
        self.assertIsNone(zygote.channel.receive())


class Workers(ZygoteTest):
    def test_they_answer(self):
        zygote = self.start_zygote("hello:app")
        workers = [self.fork(zygote, threads=threads) for threads in (1, 1, 3)]
        self.assertEqual(len({worker.pid for worker in workers}), 3)
        for worker in workers:
            self.assertEqual(worker.ready["pid"], worker.pid)
            for _ in range(3):
                self.assertEqual(worker.get("/").body, b"Hello, world!\n")

    def test_several_in_one_write(self):
        zygote = self.start_zygote("hello:app")
        start = {"socket": zygote.meeting.path, "token": TOKEN}
        orders = [json.dumps({"id": number, "start": start}).encode() for number in (5, 6, 7)]
        zygote.channel.send(b"".join(frames.encode(frames.FORK, 0, order) for order in orders))
        forked = [zygote.receive(frames.FORKED) for _ in orders]
        self.assertEqual([answer["id"] for answer in forked], [5, 6, 7])
        self.assertEqual(len({answer["pid"] for answer in forked}), 3)
        for answer in forked:
            self.addCleanup(lambda pid=answer["pid"]: is_alive(pid) and os.kill(pid, signal.SIGKILL))

    def test_the_application_is_imported_once(self):
        zygote = self.zygote_for(
            "import os, random, sys\nimported = os.getpid()\npath = list(sys.path)\n"
            "def app(e, s):\n  s('200 OK', [])\n"
            "  return [repr((imported, os.getpid(), random.random(), path == sys.path)).encode()]\n"
        )
        answers = [eval(self.fork(zygote).get("/").body) for _ in range(3)]
        self.assertEqual({answer[0] for answer in answers}, {zygote.process.pid})
        self.assertEqual(len({answer[1] for answer in answers}), 3)
        self.assertEqual(len({answer[2] for answer in answers}), 3, "random repeats itself")
        self.assertEqual({answer[3] for answer in answers}, {True})

    def test_the_collector_is_as_the_application_left_it(self):
        for line, expected in (("", b"True"), ("gc.disable()", b"False")):
            zygote = self.zygote_for(
                "import gc\n%s\ndef app(e, s):\n  s('200 OK', [])\n  return [str(gc.isenabled()).encode()]\n" % line
            )
            self.assertEqual(self.fork(zygote).get("/").body, expected)

    def test_signal_handlers_of_the_application_win(self):
        source = (
            "import os, signal\n"
            "seen = []\n"
            "signal.signal(signal.SIGINT, lambda *_: seen.append('int'))\n"
            "def app(e, s):\n"
            "  os.kill(os.getpid(), signal.SIGINT)\n"
            "  s('200 OK', [])\n"
            "  names = [getattr(signal.getsignal(n), '__module__', None) for n in (signal.SIGTERM, signal.SIGUSR2)]\n"
            "  return [repr((seen, names, signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL)).encode()]\n"
        )
        expected = "(['int'], ['xgi_worker.signals', 'xgi_worker.signals'], True)"
        self.assertEqual(self.gateway_for(source).get("/").body.decode(), expected)
        zygote = self.zygote_for(source)
        os.kill(zygote.process.pid, signal.SIGINT)
        self.assertEqual(self.fork(zygote).get("/").body.decode(), expected)

    def test_an_interrupt_and_a_recall(self):
        zygote = self.start_zygote("behaviours:app")
        for threads, path in ((1, "/sleep"), (2, "/loop")):
            worker = self.fork(zygote, threads=threads)
            stream = worker.send(path)
            worker.wait_started(stream)
            self.assertEqual(worker.recall(stream, 99), [99])
            worker.tell(frames.INTERRUPT, stream)
            self.assertIn("past its deadline", worker.control.receive().payload.decode())
            self.assertEqual(worker.answer(stream).error["class"], "RequestTimeout")
            self.assertTrue(worker.get("/quick").ended)

    def test_sigterm_and_drain(self):
        zygote = self.start_zygote("behaviours:app")
        for end in (
            lambda worker: os.kill(worker.pid, signal.SIGTERM),
            lambda worker: worker.data.send(frames.encode(frames.DRAIN)),
            lambda worker: worker.close(),
        ):
            worker = self.fork(zygote)
            self.assertTrue(worker.get("/quick").ended)
            end(worker)
            self.assertEqual(zygote.receive(frames.EXITED), {"pid": worker.pid, "code": 0, "signal": None})

    def test_processes_that_a_worker_forks_keep_off_the_channels(self):
        zygote = self.start_zygote("behaviours:app")
        worker = self.fork(zygote, fifo=True)
        self.assertEqual(worker.get("/fork").body, b"7")
        worker.fifo.wait_for("from the child")
        self.assertTrue(self.fork(zygote).get("/quick").ended)

    def test_it_is_quick(self):
        zygote = self.start_zygote("hello:app")
        times = []
        for _ in range(5):
            begin = time.monotonic()
            self.fork(zygote)
            times.append(time.monotonic() - begin)
        # Generous, for the machine may be busy.
        self.assertLess(min(times), 0.05)


class Ends(ZygoteTest):
    def test_exit_statuses_and_signals(self):
        zygote = self.zygote_for(
            "import os, signal\n"
            "def app(e, s):\n"
            "  if e['PATH_INFO'] == '/exit':\n    os._exit(int(e['QUERY_STRING']))\n"
            "  if e['QUERY_STRING'] != '9':\n    signal.signal(int(e['QUERY_STRING']), signal.SIG_DFL)\n"
            "  os.kill(os.getpid(), int(e['QUERY_STRING']))\n  signal.pause()\n"
        )
        for path, code, signum in (
            ("/exit?0", 0, None),
            ("/exit?70", 70, None),
            ("/kill?9", None, 9),
            ("/kill?15", None, 15),
        ):
            worker = self.fork(zygote)
            worker.send(path)
            self.assertEqual(zygote.receive(frames.EXITED), {"pid": worker.pid, "code": code, "signal": signum})

    def test_many_at_once(self):
        zygote = self.start_zygote("hello:app")
        workers = [self.fork(zygote) for _ in range(5)]
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        self.assertEqual({zygote.receive(frames.EXITED)["pid"] for _ in workers}, {w.pid for w in workers})

    def test_one_that_was_waited_for_by_the_application(self):
        zygote = self.zygote_for(
            "import os, threading\n"
            "def steal():\n  os.waitpid(child, 0)\n"
            "real, child = os.fork, 0\n"
            "def fork():\n"
            "  global child\n  child = real()\n"
            "  if child:\n    threading.Thread(target=steal).start()\n"
            "  return child\n"
            "os.fork = fork\n"
            "def app(e, s):\n  s('200 OK', [])\n  return []\n"
        )
        worker = self.fork(zygote)
        os.kill(worker.pid, signal.SIGKILL)
        ended = zygote.receive(frames.EXITED)
        self.assertEqual(ended["pid"], worker.pid)
        self.assertIn((ended["code"], ended["signal"]), ((None, None), (None, 9)))

    def test_a_fork_that_fails(self):
        zygote = self.zygote_for(
            "import errno, os\n"
            "def fork():\n  raise BlockingIOError(errno.EAGAIN, 'no more processes')\n"
            "real, os.fork = os.fork, fork\n"
            "def app(e, s):\n  s('200 OK', [])\n  return []\n"
        )
        number = zygote.order()
        answer = zygote.receive(frames.FORKED)
        self.assertEqual(sorted(answer), ["error", "id"])
        self.assertEqual(answer["id"], number)
        self.assertIn("no more processes", answer["error"])

    def test_workers_live_on_when_the_zygote_goes(self):
        for go in (
            lambda zygote: zygote.channel.socket.close(),
            lambda zygote: zygote.channel.send(frames.encode(frames.DRAIN)),
            lambda zygote: os.kill(zygote.process.pid, signal.SIGTERM),
        ):
            zygote = self.start_zygote("hello:app")
            worker = self.fork(zygote)
            go(zygote)
            self.assertEqual(zygote.exit_status(), 0)
            self.assertEqual(worker.get("/").body, b"Hello, world!\n")
            worker.close()
            wait_until(lambda pid=worker.pid: not is_alive(pid) or is_zombie(pid), "the worker ends")

    def test_exit_handlers_are_the_workers(self):
        zygote = self.zygote_for(
            "import atexit, os\n"
            "atexit.register(lambda: open('left-%d' % os.getpid(), 'w').close())\n"
            "def app(e, s):\n  s('200 OK', [])\n  return []\n"
        )
        worker = self.fork(zygote)
        worker.data.send(frames.encode(frames.DRAIN))
        zygote.receive(frames.EXITED)
        zygote.channel.send(frames.encode(frames.DRAIN))
        self.assertEqual(zygote.exit_status(), 0)
        left = [name for name in os.listdir(zygote.directory) if name.startswith("left-")]
        self.assertEqual(left, ["left-%d" % worker.pid])

    def test_protocol_errors(self):
        start = {"socket": "/x", "token": TOKEN}
        for wrong in (
            frames.encode(frames.PING, 0, b"\0" * 8),
            frames.encode(frames.HELLO, 0, b"{}"),
            frames.encode(frames.FORK, 0, b"{no}"),
            *(
                frames.encode(frames.FORK, 0, json.dumps(value).encode())
                for value in (
                    {},
                    {"id": 0, "start": start},
                    {"id": True, "start": start},
                    {"id": 1, "start": {"socket": "/x"}},
                    {"id": 1, "start": {**start, "role": "zygote"}},
                    {"id": 1, "start": {**start, "stderr": 5}},
                )
            ),
        ):
            zygote = self.start_zygote("hello:app")
            zygote.channel.send(wrong)
            self.assertEqual(zygote.exit_status(), 1, wrong)
            self.assertIn("protocol error", zygote.close())

    def test_a_worker_that_cannot_connect(self):
        zygote = self.start_zygote("hello:app", fifo=True)
        start = {"socket": "/nowhere", "token": TOKEN, "stderr": os.path.join(zygote.directory, "stderr-9")}
        zygote.channel.send(frames.encode(frames.FORK, 0, json.dumps({"id": 1, "start": start}).encode()))
        pid = zygote.receive(frames.FORKED)["pid"]
        self.assertEqual(zygote.receive(frames.EXITED), {"pid": pid, "code": 1, "signal": None})
        zygote.fifo.wait_for("cannot reach the gateway")


def is_zombie(pid):
    """A container's first process may be one that waits for nobody."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], stdout=subprocess.PIPE, timeout=DEADLINE_SECONDS
    ).stdout
    return state.startswith(b"Z")


if __name__ == "__main__":
    unittest.main()
