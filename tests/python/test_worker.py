"""The worker process as the gateway sees it: start, batches, recall, abort, interrupt, credit, the end."""

import json
import os
import signal
import struct
import time
import unittest

from gateway import DEADLINE_SECONDS, WorkerTest, frames, stop, wait_until


class Start(WorkerTest):
    def test_auth_and_ready(self):
        gateway = self.start("hello:app")
        kinds = [frames.Decoder(frames.TO_GATEWAY).feed(auth)[0] for auth in gateway.raw_auth]
        self.assertEqual([frame.kind for frame in kinds], [frames.AUTH, frames.AUTH])
        self.assertEqual([frame.payload[-1:] for frame in kinds], [b"D", b"C"])
        self.assertEqual(gateway.ready["pid"], gateway.process.pid)
        self.assertEqual(sorted(gateway.ready), ["executable", "implementation", "pid", "python"])

    def test_hello(self):
        gateway = self.start("hello:app")
        stream = gateway.send("/")
        frame = gateway.data.receive()
        self.assertEqual((frame.kind, frame.stream, frame.flags), (frames.HEAD, stream, frames.LAST))
        service_time, length = struct.unpack_from("<II", frame.payload)
        self.assertLess(service_time, DEADLINE_SECONDS * 1000000)
        self.assertEqual(
            frame.payload[8 : 8 + length], b"200 OK\0Content-Type\0text/plain\0Content-Length\x0014"
        )
        self.assertEqual(frame.payload[8 + length :], b"Hello, world!\n")
        self.assertEqual(gateway.started(), [stream])

    def test_the_worker_leaves_no_trace_in_the_application(self):
        gateway = self.start("behaviours:app")
        self.assertEqual(gateway.get("/modules").body, b"([], [], '')")
        self.assertEqual(gateway.get("/timeout_class").body, b"<class 'BaseException'>")

    def test_modules_named_like_ours(self):
        directory = self.start("hello:app").directory
        for name in ("frames", "main", "worker", "request", "errors", "control", "headers"):
            with open(os.path.join(directory, name + ".py"), "w") as file:
                file.write("def app(e, s):\n  s('200 OK', [])\n  return [b'mine']\n")
            gateway = self.start(name + ":app", search_path=[directory])
            self.assertEqual(gateway.get("/").body, b"mine")
            gateway.close()

    def refused(self, target, source):
        directory = self.start("hello:app").directory
        with open(os.path.join(directory, "booting.py"), "w") as file:
            file.write(source)
        gateway = self.start(target, search_path=[directory])
        self.assertIsNotNone(gateway.boot_error)
        self.assertEqual(gateway.exit_status(), 3)
        self.assertNotIn("xgi_worker/", gateway.boot_error["traceback"])
        self.assertNotIn("importlib", gateway.boot_error["traceback"])
        return gateway.boot_error

    def test_boot_errors_and_exit_status_3(self):
        error = self.refused("booting:app", "import no_such_library\n")
        self.assertEqual(
            (error["class"], error["hint"]), ("ModuleNotFoundError", "missing-module:no_such_library")
        )
        self.assertIn("booting.py", error["traceback"])
        error = self.refused("no_such_module:app", "")
        self.assertEqual(
            (error["class"], error["hint"]), ("ModuleNotFoundError", "missing-module:no_such_module")
        )
        error = self.refused("booting:app", "def run():\n    raise KeyError('DATABASE_URL')\nrun()\n")
        self.assertEqual(
            (error["class"], error["message"], error["hint"]), ("KeyError", "'DATABASE_URL'", "raised")
        )
        self.assertIn("in run", error["traceback"])
        error = self.refused("booting:app", "import sys; sys.exit(0)")
        self.assertEqual((error["class"], error["hint"]), ("SystemExit", "raised"))
        error = self.refused("booting:ap", "def app(e, s): pass")
        self.assertEqual(error["hint"], "missing-attribute:ap")
        self.assertIn("'app'", error["message"])
        self.assertEqual(error["traceback"], "")
        error = self.refused("booting:app", "app = 3")
        self.assertEqual((error["hint"], error["traceback"]), ("not-callable", ""))
        error = self.refused("booting:app", "async def app(scope, receive, send): pass")
        self.assertEqual((error["hint"], error["traceback"]), ("not-callable", ""))
        error = self.refused("booting:make(x)", "def make(): 1/0")
        self.assertEqual((error["hint"], error["traceback"]), ("factory-failed", ""))
        error = self.refused("booting:make()", "def make(): 1/0")
        self.assertEqual(error["hint"], "factory-failed")
        self.assertIn("in make", error["traceback"])
        self.assertEqual(self.refused("nothing.py:app", "")["hint"].partition(":")[0], "missing-file")

    def test_the_validator_of_wsgiref_finds_nothing(self):
        gateway = self.gateway_for(
            "from wsgiref.validate import validator\n"
            "def plain(environ, start_response):\n"
            "    environ['wsgi.input'].read(3); list(environ['wsgi.input'])\n"
            "    environ['wsgi.errors'].write('noted\\n'); environ['wsgi.errors'].flush()\n"
            "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
            "    return [b'valid']\n"
            "app = validator(plain)\n"
        )
        for method, body in (("GET", b""), ("POST", b"abc\ndef\n")):
            answer = gateway.get("/", method=method, body=body)
            self.assertEqual((answer.error, answer.body, answer.ended), (None, b"valid", True))
            self.assertEqual([text for _, text in answer.logs], ["noted"])


class Batches(WorkerTest):
    def test_32_requests_in_one_write_are_answered_in_order(self):
        gateway = self.start("hello:app")
        requests = [gateway.encode("/") for _ in range(32)]
        gateway.data.send(b"".join(frame for _, frame in requests))
        for stream, _ in requests:
            self.assertEqual(gateway.answer(stream).body, b"Hello, world!\n")

    def test_32_answers_come_in_few_writes(self):
        gateway = self.start("hello:app")
        requests = [gateway.encode("/") for _ in range(32)]
        gateway.data.send(b"".join(frame for _, frame in requests))
        one = 12 + 8 + len(b"200 OK\0Content-Type\0text/plain\0Content-Length\x0014Hello, world!\n")
        received, reads = 0, 0
        while received < 32 * one:
            received += len(gateway.data.socket.recv(1 << 20))
            reads += 1
        self.assertEqual(received, 32 * one)
        self.assertLess(reads, 16)

    def test_requests_cut_at_any_place(self):
        gateway = self.start("hello:app")
        first, one = gateway.encode("/")
        second, two = gateway.encode("/")
        cut = len(one) + 5
        gateway.data.send((one + two)[:cut])
        self.assertTrue(gateway.answer(first).ended)
        gateway.data.send((one + two)[cut:])
        self.assertTrue(gateway.answer(second).ended)

    def test_stream_ids_wrap(self):
        gateway = self.start("behaviours:app")
        for stream in (0x7FFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF, 1, 2):
            self.assertTrue(gateway.answer(gateway.send("/quick", stream=stream)).ended)
        go = os.path.join(gateway.directory, "go")
        gateway.send("/wait_for_file?" + go, stream=3)
        gateway.wait_started(3)
        self.assertEqual(gateway.recall(0xFFFFFFFF, 2, 3, 4), [4])
        open(go, "w").close()
        self.assertTrue(gateway.answer(3).ended)

    def test_a_finished_answer_is_sent_before_an_unsafe_request_is_started(self):
        gateway = self.start("behaviours:app")
        first, one = gateway.encode("/quick")
        go = os.path.join(gateway.directory, "go")
        second, two = gateway.encode("/wait_for_file?" + go, method="POST")
        third, three = gateway.encode("/quick")
        gateway.data.send(one + two + three)
        self.assertEqual(gateway.answer(first).body, b"quick")
        gateway.wait_started(second)
        self.assertTrue(gateway.data.is_silent())
        open(go, "w").close()
        self.assertTrue(gateway.answer(second).ended)
        self.assertTrue(gateway.answer(third).ended)

    def test_a_complete_body_does_not_wait_for_close(self):
        gateway = self.start("behaviours:app")
        go = os.path.join(gateway.directory, "go")
        stream = gateway.send("/slow_close?" + go)
        head = gateway.data.receive()
        self.assertEqual((head.kind, head.flags, head.payload[-4:]), (frames.HEAD, 0, b"body"))
        open(go, "w").close()
        self.assertEqual(gateway.answer(stream).frames, ["END"])

    def test_a_recall_takes_a_complete_body_along_while_close_runs(self):
        gateway = self.start("behaviours:app")
        go = os.path.join(gateway.directory, "go")
        first, one = gateway.encode("/slow_close?" + go)
        second, two = gateway.encode("/quick")
        gateway.data.send(one + two)
        gateway.wait_started(first)
        self.assertEqual(gateway.recall(second), [second])
        wait_until(lambda: not gateway.data.is_silent() or not gateway.recall(), "the body arrives")
        head = gateway.data.receive()
        self.assertEqual((head.stream, head.flags, head.payload[-4:]), (first, 0, b"body"))
        open(go, "w").close()
        self.assertEqual(gateway.answer(first).frames, ["END"])

    def test_a_quick_close_is_part_of_one_frame(self):
        gateway = self.start("behaviours:app")
        requests = [gateway.encode("/slow_close?/") for _ in range(3)]
        gateway.data.send(b"".join(frame for _, frame in requests))
        answers = [gateway.answer(stream) for stream, _ in requests]
        self.assertEqual([answer.body for answer in answers], [b"body"] * 3)
        self.assertEqual(answers[0].frames, ["HEAD"])


class Recall(WorkerTest):
    def recall_behind(self, path):
        gateway = self.start("behaviours:app")
        go = os.path.join(gateway.directory, "go")
        done, one = gateway.encode("/quick")
        slow, two = gateway.encode(path + "?" + go)
        waiting = [gateway.encode("/quick") for _ in range(5)]
        gateway.data.send(one + two + b"".join(frame for _, frame in waiting))
        gateway.wait_started(slow)
        ids = [stream for stream, _ in waiting]
        unread = gateway.stream()
        self.assertEqual(gateway.recall(done, slow, *ids[1:], unread), [*ids[1:], unread])
        self.assertEqual(gateway.answer(done).body, b"quick")
        open(go, "w").close()
        self.assertEqual(gateway.answer(slow).body, b"quick")
        self.assertEqual(gateway.answer(ids[0]).body, b"quick")
        gateway.send("/quick", stream=unread)
        last = gateway.send("/quick")
        self.assertEqual(gateway.answer(last).body, b"quick")
        self.assertTrue(gateway.data.is_silent())

    def test_while_the_application_sleeps(self):
        self.recall_behind("/wait_for_file")

    def test_while_the_application_computes(self):
        self.recall_behind("/burn_until_file")

    def test_nothing(self):
        gateway = self.start("behaviours:app")
        self.assertEqual(gateway.recall(), [])

    def test_started_word_survives_a_kill(self):
        gateway = self.start("behaviours:app")
        one, two, three = gateway.encode("/quick"), gateway.encode("/sleep"), gateway.encode("/quick")
        gateway.data.send(one[1] + two[1] + three[1])
        gateway.wait_started(two[0])
        stop(gateway.process)
        gateway.exit_status()
        self.assertEqual(gateway.started(), [two[0]])


class Abort(WorkerTest):
    def test_a_waiting_stream_is_closed(self):
        gateway = self.start("behaviours:app", credit=20000)
        closed = os.path.join(gateway.directory, "closed")
        stream = gateway.send("/endless?" + closed)
        self.assertEqual(gateway.data.receive().kind, frames.HEAD)
        gateway.tell(frames.ABORT, stream)
        answer = gateway.answer(stream, grant=False)
        self.assertEqual(answer.error["class"], "ClientDisconnected")
        with open(closed) as file:
            self.assertEqual(file.read(), "closed\n")
        self.assertTrue(gateway.get("/quick").ended)

    def test_write_raises_an_oserror(self):
        gateway = self.start("behaviours:app", credit=20000)
        seen = os.path.join(gateway.directory, "seen")
        stream = gateway.send("/endless_write?" + seen)
        self.assertEqual(gateway.data.receive().kind, frames.HEAD)
        gateway.tell(frames.ABORT, stream)
        self.assertEqual(gateway.answer(stream, grant=False).error["class"], "ClientDisconnected")
        with open(seen) as file:
            self.assertEqual(file.read(), "ClientDisconnected")

    def test_what_is_not_started_is_given_back(self):
        gateway = self.start("behaviours:app")
        go = os.path.join(gateway.directory, "go")
        slow, waiting = gateway.encode("/wait_for_file?" + go), gateway.encode("/quick")
        gateway.data.send(slow[1] + waiting[1])
        gateway.wait_started(slow[0])
        gateway.tell(frames.ABORT, waiting[0])
        frame = gateway.control.receive()
        self.assertEqual((frame.kind, frames.decode_u32s(frame.payload)), (frames.RECALLED, (waiting[0],)))
        open(go, "w").close()
        self.assertTrue(gateway.answer(slow[0]).ended)
        self.assertTrue(gateway.get("/quick").ended)

    def test_after_the_end_it_is_ignored(self):
        gateway = self.start("behaviours:app")
        stream = gateway.send("/quick")
        self.assertTrue(gateway.answer(stream).ended)
        gateway.tell(frames.ABORT, stream)
        gateway.tell(frames.CREDIT, stream, frames.U32.pack(5))
        gateway.tell(frames.FILE_ACK, stream)
        gateway.tell(frames.INTERRUPT, stream)
        self.assertEqual(gateway.recall(stream), [])
        self.assertTrue(gateway.get("/quick").ended)


class Interrupt(WorkerTest):
    def interrupt(self, gateway, path):
        stream = gateway.send(path)
        gateway.wait_started(stream)
        gateway.tell(frames.INTERRUPT, stream)
        log = gateway.control.receive()
        self.assertEqual((log.kind, log.stream, log.flags), (frames.LOG, stream, frames.LEVEL_ERROR))
        answer = gateway.answer(stream)
        self.assertEqual(answer.error["class"], "RequestTimeout")
        return log.payload.decode()

    def test_a_sleep_and_a_loop_and_except_exception(self):
        gateway = self.start("behaviours:app")
        for name in ("sleep", "loop", "sleep_and_swallow"):
            with self.subTest(name):
                stack = self.interrupt(gateway, "/" + name)
                self.assertNotIn("xgi_worker", stack)
                self.assertTrue(gateway.get("/quick").ended)

    def test_the_stack_names_the_place(self):
        gateway = self.start("behaviours:app")
        stream = gateway.send("/wait_for_file?/nowhere")
        gateway.wait_started(stream)
        gateway.tell(frames.INTERRUPT, stream)
        self.assertIn("in wait_for_file", gateway.control.receive().payload.decode())
        self.assertEqual(gateway.answer(stream).error["class"], "RequestTimeout")

    def test_while_it_waits_for_credit(self):
        gateway = self.start("behaviours:app", credit=20000)
        closed = os.path.join(gateway.directory, "closed")
        stream = gateway.send("/endless?" + closed)
        received = 0
        while received < 20000:
            frame = gateway.data.receive()
            start = 8 + frames.U32.unpack_from(frame.payload, 4)[0] if frame.kind == frames.HEAD else 0
            received += len(frame.payload) - start
        gateway.tell(frames.INTERRUPT, stream)
        self.assertEqual(gateway.answer(stream).error["class"], "RequestTimeout")
        with open(closed) as file:
            self.assertEqual(file.read(), "closed\n")

    def test_a_late_one_never_hits_the_next_request(self):
        gateway = self.start("behaviours:app")
        for _ in range(300):
            stream, frame = gateway.encode("/quick")
            following = [gateway.encode("/quick") for _ in range(3)]
            gateway.data.send(frame + b"".join(encoded for _, encoded in following))
            gateway.tell(frames.INTERRUPT, stream)
            answer = gateway.answer(stream)
            self.assertTrue(answer.ended or answer.error["class"] == "RequestTimeout", answer)
            for later, _ in following:
                self.assertTrue(gateway.answer(later).ended)

    def test_a_signal_from_elsewhere_does_nothing(self):
        gateway = self.start("behaviours:app")
        go = os.path.join(gateway.directory, "go")
        stream = gateway.send("/wait_for_file?" + go)
        gateway.wait_started(stream)
        stop(gateway.process, signal.SIGUSR2)
        stop(gateway.process, signal.SIGINT)
        self.assertEqual(gateway.recall(), [])
        open(go, "w").close()
        self.assertTrue(gateway.answer(stream).ended)

    def test_abort_signal_prints_the_stacks(self):
        gateway = self.start("behaviours:app")
        stream = gateway.send("/sleep")
        gateway.wait_started(stream)
        stop(gateway.process, signal.SIGABRT)
        self.assertEqual(gateway.exit_status(), -signal.SIGABRT)
        self.assertIn("in sleep", gateway.close())


class End(WorkerTest):
    def test_drain_answers_what_is_there(self):
        gateway = self.start("behaviours:app")
        requests = [gateway.encode("/quick") for _ in range(3)]
        gateway.data.send(b"".join(frame for _, frame in requests) + frames.encode(frames.DRAIN))
        for stream, _ in requests:
            self.assertTrue(gateway.answer(stream).ended)
        self.assertIsNone(gateway.data.receive())
        self.assertEqual(gateway.exit_status(), 0)

    def test_sigterm_finishes_the_running_request_only(self):
        gateway = self.start("behaviours:app")
        go = os.path.join(gateway.directory, "go")
        slow, waiting = gateway.encode("/wait_for_file?" + go), gateway.encode("/quick")
        gateway.data.send(slow[1] + waiting[1])
        gateway.wait_started(slow[0])
        stop(gateway.process, signal.SIGTERM)
        open(go, "w").close()
        self.assertTrue(gateway.answer(slow[0]).ended)
        self.assertIsNone(gateway.data.receive())
        self.assertEqual(gateway.exit_status(), 0)

    def test_sigterm_when_idle(self):
        for threads in (1, 2):
            gateway = self.start("behaviours:app", threads=threads)
            self.assertTrue(gateway.get("/quick").ended)
            stop(gateway.process, signal.SIGTERM)
            self.assertEqual(gateway.exit_status(), 0)

    def test_the_gateway_dies_while_the_worker_is_idle(self):
        gateway = self.start("behaviours:app")
        gateway.data.socket.close()
        gateway.control.socket.close()
        self.assertEqual(gateway.exit_status(), 0)

    def test_the_gateway_dies_while_the_application_hangs(self):
        for threads, path in ((1, "/loop"), (1, "/sleep"), (2, "/sleep")):
            gateway = self.start("behaviours:app", threads=threads)
            stream = gateway.send(path)
            gateway.wait_started(stream)
            begin = time.monotonic()
            gateway.data.socket.close()
            gateway.control.socket.close()
            gateway.exit_status()
            self.assertLess(time.monotonic() - begin, 10)

    def test_the_gateway_dies_while_the_application_is_imported(self):
        gateway = self.gateway_for(
            "import time\nprint('importing', flush=True)\ntime.sleep(600)\n", boot=False
        )
        gateway.data.send(frames.encode(frames.HELLO, 0, json.dumps(gateway.hello).encode()))
        self.assertEqual(gateway.process.stdout.readline(), b"importing\n")
        gateway.data.socket.close()
        gateway.control.socket.close()
        self.assertNotEqual(gateway.exit_status(), 0)

    def test_a_protocol_error_ends_the_worker(self):
        for name in ("data", "control"):
            gateway = self.start("behaviours:app")
            getattr(gateway, name).send(frames.encode(0x7F, 1))
            self.assertIsNone(gateway.data.receive())
            gateway.exit_status()
            self.assertIn("unknown-type", gateway.close())

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_forked_children_keep_off_the_channels(self):
        gateway = self.start("behaviours:app")
        answer = gateway.get("/fork")
        self.assertEqual((answer.body, answer.logs), (b"7", []))
        self.assertIn("from the child", gateway.close())

    def test_threads_of_the_application_do_not_keep_a_lost_worker_alive(self):
        gateway = self.gateway_for(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
            "def app(e, s):\n  s('200 OK', [])\n  return []\n"
        )
        self.assertTrue(gateway.get("/").ended)
        gateway.data.socket.close()
        gateway.control.socket.close()
        gateway.exit_status()


class Threads(WorkerTest):
    def test_requests_run_side_by_side(self):
        gateway = self.start("behaviours:app", threads=3)
        go = os.path.join(gateway.directory, "go")
        slow = [gateway.send("/wait_for_file?" + go) for _ in range(2)]
        for stream in slow:
            gateway.wait_started(stream)
        ident, multithread = gateway.get("/ident").body.split()
        self.assertEqual(multithread, b"1")
        open(go, "w").close()
        answered = {gateway.data.receive().stream for _ in slow}
        self.assertEqual(answered, set(slow))
        self.assertNotEqual(int(ident), 0)

    def test_recall_and_abort(self):
        gateway = self.start("behaviours:app", threads=2)
        go = os.path.join(gateway.directory, "go")
        slow = [gateway.send("/wait_for_file?" + go) for _ in range(2)]
        for stream in slow:
            gateway.wait_started(stream)
        waiting = [gateway.send("/quick") for _ in range(3)]
        self.assertEqual(gateway.recall(slow[0], waiting[1], 999), [waiting[1], 999])
        gateway.tell(frames.ABORT, waiting[2])
        self.assertEqual(frames.decode_u32s(gateway.control.receive().payload), (waiting[2],))
        open(go, "w").close()
        answered = {gateway.data.receive().stream for _ in range(3)}
        self.assertEqual(answered, {*slow, waiting[0]})
        self.assertEqual(gateway.recall(), [])
        self.assertTrue(gateway.data.is_silent())

    def test_interrupt_in_a_loop(self):
        gateway = self.start("behaviours:app", threads=2)
        stream = gateway.send("/loop")
        gateway.wait_started(stream)
        gateway.tell(frames.INTERRUPT, stream)
        self.assertEqual(gateway.answer(stream).error["class"], "RequestTimeout")
        self.assertEqual(gateway.control.receive().kind, frames.LOG)

    def test_a_late_interrupt_never_hits_the_next_request(self):
        gateway = self.start("behaviours:app", threads=2)
        for _ in range(200):
            streams = [gateway.send("/quick") for _ in range(4)]
            gateway.tell(frames.INTERRUPT, streams[0])
            for _ in streams:
                frame = gateway.data.receive()
                if frame.kind == frames.ERROR:
                    self.assertEqual(frame.stream, streams[0])
                    self.assertEqual(json.loads(frame.payload[4:].decode())["class"], "RequestTimeout")
                else:
                    self.assertEqual((frame.kind, frame.flags), (frames.HEAD, frames.LAST))

    def test_streams_and_credit(self):
        gateway = self.start("responses:app", threads=2)
        self.assertEqual(gateway.get("/big").body, bytes(range(256)) * 4096)
        self.assertEqual(gateway.get("/stream").body, b"one,two")
        self.assertEqual(gateway.get("/exits").error["class"], "SystemExit")
        self.assertEqual([text for _, text in gateway.get("/log").logs][0], "a line")

    def test_drain(self):
        gateway = self.start("behaviours:app", threads=2)
        streams = [gateway.send("/quick") for _ in range(10)]
        gateway.data.send(frames.encode(frames.DRAIN))
        self.assertEqual({gateway.data.receive().stream for _ in streams}, set(streams))
        self.assertIsNone(gateway.data.receive())
        self.assertEqual(gateway.exit_status(), 0)

    def test_sigterm_finishes_the_running_requests(self):
        gateway = self.start("behaviours:app", threads=2)
        go = os.path.join(gateway.directory, "go")
        slow = [gateway.send("/wait_for_file?" + go) for _ in range(2)]
        for stream in slow:
            gateway.wait_started(stream)
        waiting = gateway.send("/quick")
        stop(gateway.process, signal.SIGTERM)
        open(go, "w").close()
        answered = set()
        frame = gateway.data.receive()
        while frame is not None:
            answered.add(frame.stream)
            frame = gateway.data.receive()
        # The signal may be heard after a thread has become free, and then that one may have been started.
        self.assertEqual(answered - {waiting}, set(slow))
        self.assertEqual(gateway.exit_status(), 0)

    def test_started_words(self):
        gateway = self.start("behaviours:app", threads=2)
        streams = [gateway.send("/sleep") for _ in range(2)]
        for stream in streams:
            gateway.wait_started(stream)
        stop(gateway.process)
        gateway.exit_status()
        self.assertEqual(sorted(gateway.started()), streams)


if __name__ == "__main__":
    unittest.main()
