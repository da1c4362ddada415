"""The launcher of CGI programs, by its channel: starting, relaying, ending; and what programs may do to it."""

import json
import os
import resource
import signal
import socket
import sys
import time
import unittest

from cgi_gateway import NO_LIMITS, LauncherTest, eventually, frames, is_alive

NOBODY = 65534
USER = {"uid": NOBODY, "gid": NOBODY, "groups": [NOBODY], "bodyUid": NOBODY, "bodyGid": NOBODY}


class Starting(LauncherTest):
    def test_ready_says_who_it_is(self):
        launcher = self.launch()
        launcher.wait(lambda: launcher.ready)
        self.assertEqual(launcher.ready["pid"], launcher.process.pid)
        self.assertEqual(launcher.ready["python"], "%d.%d.%d" % sys.version_info[:3])

    def test_a_program_gets_what_the_command_says(self):
        launcher = self.launch(environ={"PATH": "/bin", "BASE": "b", "BOTH": "base"})
        folder = os.path.join(os.fsencode(self.folder), b"caf\xe9")
        os.mkdir(folder)
        environ = {"BOTH": b"run", "VALUE": b"\xff\xfe = x"}
        result = launcher.finish(
            launcher.shell('pwd; echo "$0" "$1"; echo "$BASE $BOTH $VALUE"', cwd=folder, environ=environ)
        )
        self.assertEqual(result.output, folder + b"\nsh \nb run \xff\xfe = x\n")
        self.assertEqual(result.exited, {"code": 0, "signal": None, "stderrDropped": 0})
        self.assertFalse(result.warm)

    def test_frames_come_in_order(self):
        launcher = self.launch()
        result = launcher.finish(launcher.shell("echo out; echo err >&2; exit 3"))
        self.assertEqual((result.output, result.errors, result.status), (b"out\n", b"err\n", 3))
        self.assertEqual(result.kinds[0], "STARTED")
        self.assertLess(result.kinds.index("DATA"), result.kinds.index("END"))
        self.assertLess(result.kinds.index("STDERR"), result.kinds.index("EXITED"))
        self.assertEqual(len(result.kinds), 5)

    def test_the_signal_that_ended_it(self):
        launcher = self.launch()
        result = launcher.finish(launcher.shell("kill -SEGV $$"))
        self.assertEqual(result.exited, {"code": None, "signal": signal.SIGSEGV, "stderrDropped": 0})

    def test_it_leads_a_process_group_and_has_nothing_of_the_launcher(self):
        launcher = self.launch()
        script = self.install("process_state.py")
        results = [launcher.finish(launcher.run(script)) for _ in range(3)]
        for result in results:
            state = json.loads(result.output.decode())
            self.assertEqual(state["descriptors"], [0, 1, 2])
            self.assertTrue(state["leads"])
            self.assertEqual(state["ignored"], [signal.SIGPIPE, signal.SIGXFSZ])  # by Python itself
            self.assertEqual(state["blocked"], [])

    def test_a_shell_ignores_no_signal(self):
        launcher = self.launch()
        result = launcher.finish(launcher.shell("grep -E 'Sig(Ign|Blk)' /proc/self/status"))
        # 32 and 33 are the C library's own, and its posix_spawn ignores them.
        ours = ~(3 << 31)
        self.assertEqual([int(line.split()[1], 16) & ours for line in result.output.splitlines()], [0, 0])

    def test_umask(self):
        launcher = self.launch(umask=0o027)
        self.assertEqual(launcher.finish(launcher.shell("umask")).output.strip(), b"0027")

    def test_what_cannot_be_executed(self):
        launcher = self.launch()
        plain = self.write("plain.txt", "hello", 0o644)
        headless = self.write("headless", "echo hello\n")
        orphan = self.write("orphan.cgi", "#!/nonexistent/interpreter\n")
        cases = [
            ("/nonexistent", "/", "ENOENT", "cannot execute /nonexistent: No such file or directory"),
            (plain, "/", "EACCES", "cannot execute %s: Permission denied" % plain),
            (headless, "/", "ENOEXEC", "cannot execute %s: Exec format error" % headless),
            (orphan, "/", "ENOENT", "cannot execute %s: No such file or directory" % orphan),
            ("/bin/sh", "/nonexistent", "ENOENT", "cannot enter the folder /nonexistent: No such file or directory"),
            ("/bin/sh", plain, "ENOTDIR", "cannot enter the folder %s: Not a directory" % plain),
        ]
        self.check_failures(launcher, cases)
        self.check_failures(self.launch(limits={**NO_LIMITS, "cpuSeconds": 10}), cases)

    def check_failures(self, launcher, cases):
        for path, cwd, name, message in cases:
            with self.subTest(path=path, cwd=cwd):
                result = launcher.finish(launcher.run(path, cwd=cwd))
                self.assertEqual(result.error, {"class": name, "message": message, "traceback": ""})
                self.assertEqual(result.kinds, ["ERROR"])
        before = launcher.descriptors()
        for path, cwd, _, _ in cases:
            launcher.finish(launcher.run(path, cwd=cwd))
        self.assertTrue(eventually(lambda: launcher.descriptors() <= before))

    def test_an_argument_that_cannot_be_passed(self):
        launcher = self.launch()
        result = launcher.finish(launcher.run("/bin/echo", ["echo", "a\0b"]))
        self.assertEqual(result.error["class"], "ValueError")
        result = launcher.finish(launcher.run("/bin/echo", ["echo", "x" * 300000]))
        self.assertEqual(result.error["class"], "E2BIG")

    def test_too_many_open_files_concern_one_run(self):
        launcher = self.launch()
        launcher.wait(lambda: launcher.ready)
        limit = launcher.descriptors() + 12
        resource.prlimit(launcher.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        streams = [launcher.shell("read line", body=b"x" * 200000) for _ in range(12)]
        launcher.wait(lambda: all(launcher.results[s].error or launcher.results[s].over for s in streams))
        failed = [launcher.results[s].error for s in streams if launcher.results[s].error]
        self.assertEqual({error["class"] for error in failed} - {"EMFILE"}, set())
        self.assertEqual(launcher.finish(launcher.shell("echo again")).output, b"again\n")


class Input(LauncherTest):
    def test_without_a_body_it_is_the_null_device(self):
        launcher = self.launch()
        result = launcher.finish(launcher.shell("readlink /proc/self/fd/0; cat"))
        self.assertEqual(result.output, b"/dev/null\n")

    def test_a_body_is_a_pipe_that_can_be_opened_again(self):
        launcher = self.launch()
        body = os.urandom(65536)
        self.assertEqual(launcher.finish(launcher.run("/bin/cat", body=body)).output, body)
        self.assertEqual(launcher.finish(launcher.shell("cat /dev/stdin > /dev/stdout", body=body)).output, body)

    def test_a_body_that_is_larger_than_the_pipe(self):
        launcher = self.launch(credit=1 << 20)
        body = os.urandom(600000)
        self.assertEqual(launcher.finish(launcher.run("/bin/cat", body=body)).output, body)

    def test_a_body_that_nobody_reads(self):
        launcher = self.launch()
        before = self.settled(launcher)
        body = b"x" * 600000
        self.assertEqual(launcher.finish(launcher.shell("exit 0", body=body)).status, 0)
        self.assertEqual(launcher.finish(launcher.shell("exec <&-; echo closed", body=body)).output, b"closed\n")
        self.assertEqual(launcher.finish(launcher.shell("echo other")).output, b"other\n")
        self.assertTrue(eventually(lambda: launcher.descriptors() == before))

    def settled(self, launcher):
        launcher.finish(launcher.shell(":"))
        return launcher.descriptors()

    def test_a_file(self):
        launcher = self.launch()
        path = self.write("body", "from a file", 0o600)
        result = launcher.finish(launcher.shell("cat; cat /dev/stdin", bodyFile=path))
        self.assertEqual(result.output, b"from a file" * 2)

    def test_a_file_that_is_none(self):
        launcher = self.launch()
        os.mkfifo(os.path.join(self.folder, "fifo"))
        os.symlink(self.write("body", "secret"), os.path.join(self.folder, "link"))
        for name, error in (("fifo", "EINVAL"), ("link", "ELOOP"), ("missing", "ENOENT"), (".", "EINVAL")):
            with self.subTest(name):
                result = launcher.finish(launcher.shell("cat", bodyFile=os.path.join(self.folder, name)))
                self.assertEqual(result.error["class"], error)


class Output(LauncherTest):
    def test_it_is_sent_under_credit(self):
        launcher = self.launch(credit=1000)
        stream = launcher.shell("head -c 100000 /dev/zero; echo done >&2")
        result = launcher.results[stream]
        launcher.wait(lambda: len(result.output) >= 1000)
        self.assertFalse(launcher.read(0.2) and len(result.output) > 1000)
        # Two more than there is room for in the pipe.
        launcher.send(frames.CREDIT, stream, frames.U32.pack(5))
        launcher.wait(lambda: len(result.output) >= 1005)
        launcher.send(frames.CREDIT, stream, frames.U32.pack(200000))
        self.assertEqual(launcher.finish(stream).output, b"\0" * 100000)

    def test_without_credit_the_program_waits_and_others_do_not(self):
        launcher = self.launch(credit=0)
        endless = launcher.shell("exec cat /dev/zero")
        launcher.wait(lambda: launcher.results[endless].pid)
        result = launcher.shell("exit 4")
        launcher.wait(lambda: launcher.results[result].exited)
        self.assertFalse(launcher.results[result].ended)  # Nobody has looked whether there is more.
        launcher.send(frames.CREDIT, result, frames.U32.pack(1))
        self.assertEqual(launcher.finish(result).status, 4)
        self.assertEqual(launcher.results[endless].output, b"")

    def test_credit_for_a_stream_that_is_unknown(self):
        launcher = self.launch()
        launcher.send(frames.CREDIT, 99, frames.U32.pack(1))
        launcher.send(frames.ABORT, 99)
        self.assertEqual(launcher.finish(launcher.shell("echo fine")).output, b"fine\n")

    def test_much_output(self):
        launcher = self.launch(credit=1 << 30)
        self.assertEqual(len(launcher.finish(launcher.shell("head -c 20000000 /dev/zero")).output), 20000000)

    def test_it_is_closed_early(self):
        launcher = self.launch()
        go = os.path.join(self.folder, "go")
        script = 'echo early; exec >&-; while [ ! -e "$GO" ]; do sleep 0.01; done; exit 5'
        stream = launcher.shell(script, environ={"GO": go})
        result = launcher.results[stream]
        launcher.wait(lambda: result.ended)
        self.assertEqual((result.output, result.exited), (b"early\n", None))
        self.write("go", "")
        self.assertEqual(launcher.finish(stream).status, 5)

    def test_a_child_holds_it_when_the_program_exits(self):
        launcher = self.launch()
        stream = launcher.shell("(trap : HUP; sleep 0.2; echo late; echo lost >&2; echo later) & echo soon; exit 6")
        result = launcher.results[stream]
        launcher.wait(lambda: result.exited)
        self.assertFalse(result.ended)
        self.assertEqual(launcher.finish(stream).output, b"soon\nlate\nlater\n")
        self.assertEqual((result.status, result.errors), (6, b""))

    def test_a_program_that_reads_its_own_output(self):
        launcher = self.launch()
        code = "import os\nwhile 1: os.write(1, b'x' * 100); os.read(os.open('/dev/stdout', 0), 99)"
        stream = launcher.run(
            sys.executable,
            [sys.executable, "-c", code],
        )
        launcher.wait(lambda: launcher.results[stream].pid)
        for _ in range(20):
            self.assertEqual(launcher.finish(launcher.shell("echo fine")).output, b"fine\n")
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: launcher.results[stream].exited)


class ErrorOutput(LauncherTest):
    def test_the_beginning_and_the_end_are_passed_on(self):
        launcher = self.launch(stderrBytes=1000)
        result = launcher.finish(launcher.run(self.install("much_stderr.py"), ["much_stderr", "300000"]))
        whole = b"".join(b"%08d\n" % number for number in range(300000 // 9))
        self.assertEqual(result.errors, whole[:1000] + whole[-4096:])
        self.assertEqual(result.exited["stderrDropped"], len(whole) - 1000 - 4096)

    def test_what_is_endless_costs_nothing(self):
        launcher = self.launch()
        stream = launcher.shell("exec cat /dev/zero >&2")
        result = launcher.results[stream]
        launcher.wait(lambda: len(result.errors) == 65536)
        before, since = self.processor_seconds(launcher), time.monotonic()
        while time.monotonic() - since < 1:
            launcher.read(0.1)
        self.assertLess(self.processor_seconds(launcher) - before, 0.3)
        self.assertEqual(len(result.errors), 65536)
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: result.exited)
        self.assertEqual(len(result.errors), 65536 + 4096)
        self.assertGreater(result.exited["stderrDropped"], 100000)

    @staticmethod
    def processor_seconds(launcher):
        with open("/proc/%d/stat" % launcher.process.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_who_is_left_behind_may_go_on_writing(self):
        launcher = self.launch()
        done = os.path.join(self.folder, "done")
        script = "(read line < go; echo late >&2; echo later >&2; echo > %s) > /dev/null < /dev/null &" % done
        os.mkfifo(os.path.join(self.folder, "go"))
        stream = launcher.shell(script, cwd=self.folder)
        self.assertEqual(launcher.finish(stream).status, 0)
        with open(os.path.join(self.folder, "go"), "w") as go:
            go.write("now\n")
        self.assertTrue(eventually(lambda: os.path.exists(done)))
        self.assertEqual(launcher.results[stream].errors, b"")

    def test_it_comes_while_the_program_runs(self):
        launcher = self.launch()
        stream = launcher.shell("echo now >&2; exec sleep 60")
        launcher.wait(lambda: launcher.results[stream].errors == b"now\n")
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: launcher.results[stream].exited)


class Aborting(LauncherTest):
    def started(self, launcher, script, **order):
        """Starts a shell that says when it is ready."""
        stream = launcher.shell(script, **order)
        launcher.wait(lambda: b"ready\n" in launcher.results[stream].output)
        return stream, launcher.results[stream]

    def abort(self, launcher, stream):
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: launcher.results[stream].exited)

    def test_sigterm_comes_first(self):
        launcher = self.launch(killGraceMs=20000)
        script = "trap 'echo bye >&2; exit 7' TERM; echo ready; while :; do sleep 0.01; done"
        stream, result = self.started(launcher, script)
        self.abort(launcher, stream)
        self.assertEqual((result.status, result.ended), (7, False))
        self.assertTrue(result.errors.endswith(b"bye\n"))

    def test_sigkill_comes_after_the_grace(self):
        launcher = self.launch()
        stream, result = self.started(launcher, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
        since = time.monotonic()
        self.abort(launcher, stream)
        self.assertGreaterEqual(time.monotonic() - since, 0.29)
        self.assertEqual(result.status, -signal.SIGKILL)

    def test_descendants_are_ended_too(self):
        launcher = self.launch(killGraceMs=20000)
        stream, result = self.started(launcher, "sleep 1000 & sleep 1001 & echo $!; echo ready; wait")
        child = int(result.output.split()[0])
        self.abort(launcher, stream)
        self.assertTrue(eventually(lambda: not is_alive(child)))

    def test_descendants_that_ignore_sigterm_are_killed(self):
        launcher = self.launch()
        stream, result = self.started(launcher, "(trap '' TERM; echo ready; while :; do sleep 0.01; done) & wait")
        self.abort(launcher, stream)
        self.assertEqual(result.status, -signal.SIGTERM)
        self.assertTrue(eventually(lambda: not self.has_group(result.pid)))

    def test_only_descendants_are_left(self):
        launcher = self.launch()
        stream = launcher.shell("(trap '' TERM; while :; do sleep 0.01; done) & exit 0")
        result = launcher.results[stream]
        launcher.wait(lambda: result.exited)
        self.assertTrue(self.has_group(result.pid))
        launcher.send(frames.ABORT, stream)
        self.assertTrue(eventually(lambda: not self.has_group(result.pid)))
        self.assertEqual(launcher.drain(), 0)

    def test_a_program_that_leaves_its_group(self):
        launcher = self.launch()
        stream = launcher.run(self.install("leave_group.py"))
        result = launcher.results[stream]
        launcher.wait(lambda: b"ready" in result.output)
        self.abort(launcher, stream)
        self.assertEqual(result.status, -signal.SIGKILL)

    def test_output_is_closed_and_nothing_more_is_sent(self):
        launcher = self.launch(killGraceMs=20000)
        stream, result = self.started(launcher, "trap '' TERM; echo ready; exec cat /dev/zero")
        self.abort(launcher, stream)
        self.assertEqual(result.status, -signal.SIGPIPE)
        self.assertFalse(result.ended)

    def test_without_credit(self):
        launcher = self.launch(credit=6)
        stream, result = self.started(launcher, "echo ready; exec cat /dev/zero")
        self.abort(launcher, stream)
        self.assertEqual(result.output, b"ready\n")

    def test_twice_and_before_anything_has_happened(self):
        launcher = self.launch()
        streams = [launcher.shell("sleep 100") for _ in range(20)]
        for stream in streams * 2:
            launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: all(launcher.results[stream].exited for stream in streams))
        self.assertEqual(launcher.drain(), 0)

    @staticmethod
    def has_group(pid):
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return False
        return True


class Ending(LauncherTest):
    def test_drain_waits_for_the_last_run(self):
        launcher = self.launch()
        stream = launcher.shell("read line; sleep 0.2; echo done", body=b"x")
        launcher.wait(lambda: launcher.results[stream].pid)
        launcher.send(frames.DRAIN)
        self.assertEqual(launcher.finish(stream).output, b"done\n")
        self.assertEqual(launcher.process.wait(20), 0)

    def test_no_process_is_left_when_the_gateway_has_gone(self):
        launcher = self.launch()
        hello = self.install("hello.py")
        self.warm_up(launcher, hello)
        streams = [
            launcher.shell("sleep 1000 & sleep 1000"),
            launcher.shell("trap '' TERM; (trap '' TERM; while :; do sleep 0.01; done) & while :; do sleep 0.01; done"),
            launcher.shell("exec cat /dev/zero"),
            self.start(launcher, self.install("ignore_sigterm.py")),
        ]
        launcher.wait(lambda: all(launcher.results[stream].pid for stream in streams))
        launcher.wait(lambda: b"ready" in launcher.results[streams[3]].output)
        self.assertTrue(launcher.results[streams[3]].warm)
        groups = [launcher.results[stream].pid for stream in streams]
        zygotes = children_of(launcher.process.pid) - set(groups)
        self.assertEqual(len(zygotes), 1)
        launcher.socket.close()
        self.assertEqual(launcher.process.wait(20), 0)
        for pid in [*groups, *zygotes]:
            self.assertTrue(eventually(lambda pid=pid: not is_alive(pid)), pid)
        for pid in groups:
            self.assertTrue(eventually(lambda pid=pid: not Aborting.has_group(pid)), pid)

    def test_it_waits_for_what_programs_leave_behind(self):
        launcher = self.launch()
        result = launcher.finish(launcher.shell("sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!"))
        left = int(result.output)
        self.assertTrue(eventually(lambda: left in children_of(launcher.process.pid)))
        os.kill(left, signal.SIGKILL)
        self.assertTrue(eventually(lambda: not os.path.exists("/proc/%d" % left)))

    def test_signals_do_not_end_it(self):
        launcher = self.launch()
        launcher.wait(lambda: launcher.ready)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            launcher.process.send_signal(number)
        self.assertEqual(launcher.finish(launcher.shell("kill -HUP $$")).status, -signal.SIGHUP)

    def test_protocol_errors(self):
        run = frames.U32.pack(2) + b"{}" + frames.U32.pack(0)
        cases = {
            "reserved-not-zero": b"\0\0\0\0\1\0\0\0\x04\0\1\0",
            "unknown-type": frames.encode(0x02, 1, b"\0\0\0\0"),
            "stream-zero": frames.encode(frames.RUN, 0, run),
            "bad-json": frames.encode(frames.RUN, 2, run),
            "payload-too-short": frames.encode(frames.RUN, 2, frames.U32.pack(9) + b"{}\0\0"),
        }
        for reason, data in cases.items():
            with self.subTest(reason):
                launcher = self.launch()
                stream = launcher.shell("exec sleep 1000")
                launcher.wait(lambda launcher=launcher, stream=stream: launcher.results[stream].pid)
                launcher.socket.sendall(data)
                self.assertEqual(launcher.process.wait(20), 1)
                self.assertIn(reason, launcher.process.stderr.read().decode())
                self.assertFalse(is_alive(launcher.results[stream].pid))

    def test_run_before_hello(self):
        launcher = self.launch(protocol=2)
        self.assertEqual(launcher.process.wait(20), 1)
        self.assertIn("protocol 2", launcher.process.stderr.read().decode())


class ManyRuns(LauncherTest):
    def test_nothing_is_left_of_them(self):
        launcher = self.launch()
        launcher.finish(launcher.shell(":"))
        before = launcher.descriptors()
        scripts = ["echo hi", "exit 3", "cat", "kill -9 $$", "exec cat /dev/zero", "sleep 100"]
        scripts.append("(sleep 0.05; echo x)& :")
        for _ in range(8):
            streams = [
                launcher.shell(scripts[number % len(scripts)], body=b"x" * (number % 3 * 40000)) for number in range(28)
            ]
            streams.append(launcher.run("/nonexistent"))
            for stream in streams:
                launcher.wait(lambda stream=stream: launcher.results[stream].pid or launcher.results[stream].error)
            for stream in streams[::2]:
                launcher.send(frames.ABORT, stream)
            for stream in streams[1::2]:
                if not launcher.results[stream].over:
                    launcher.send(frames.ABORT, stream)
            results = [launcher.results[stream] for stream in streams]
            launcher.wait(lambda results=results: all(result.exited or result.error for result in results))
        self.assertTrue(eventually(lambda: launcher.descriptors() == before), (before, launcher.descriptors()))
        self.assertTrue(eventually(lambda: not children_of(launcher.process.pid)))

    def test_slow_gateway(self):
        """Frames that it does not take are kept, and nothing else waits for it."""
        launcher = self.launch(credit=1 << 20)
        launcher.wait(lambda: launcher.ready)
        launcher.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        streams = [launcher.shell("head -c 1000000 /dev/zero; head -c 60000 /dev/zero >&2") for _ in range(6)]
        self.assertTrue(eventually(lambda: not children_of(launcher.process.pid)))
        for stream in streams:
            result = launcher.finish(stream)
            self.assertEqual((len(result.output), len(result.errors)), (1000000, 60000))


class Limits(LauncherTest):
    LIMITS = {"cpuSeconds": 1, "memoryBytes": 1 << 32, "files": 33, "processes": 1000}

    def test_they_are_set(self):
        launcher = self.launch(limits=self.LIMITS)
        result = launcher.finish(launcher.shell("ulimit -St; ulimit -Ht; ulimit -v; ulimit -n; ulimit -u"))
        if not result.output.endswith(b"1000\n"):  # dash has no -u
            result = launcher.finish(launcher.shell("ulimit -St; ulimit -Ht; ulimit -v; ulimit -n; ulimit -p"))
        self.assertEqual(result.output.split(), [b"1", b"1", b"4194304", b"33", b"1000"])

    def test_they_apply(self):
        launcher = self.launch(limits={**self.LIMITS, "memoryBytes": 1 << 28})
        self.assertEqual(launcher.finish(launcher.shell("while :; do :; done")).status, -signal.SIGKILL)
        code = "x = bytearray(1 << 29)"
        result = launcher.finish(launcher.run(sys.executable, [sys.executable, "-S", "-c", code]))
        self.assertIn(b"MemoryError", result.errors)

    def test_a_limit_that_cannot_be_set(self):
        limits = {**NO_LIMITS, "files": 1 << 40}
        launcher = self.launch(limits=limits)
        result = launcher.finish(launcher.shell("echo hi"))
        self.assertEqual(result.error["class"], "EPERM")
        self.assertIn("cannot set the limits", result.error["message"])


class Users(LauncherTest):
    """As root, programs run as the user; who is not root is refused."""

    def launch_as_nobody(self, **hello):
        launcher = self.launch(user=USER, **hello)
        if os.geteuid() == 0:
            return launcher
        self.assertEqual(launcher.process.wait(20), 1)
        self.assertIn("only root can", launcher.process.stderr.read().decode())
        return None

    def test_programs_run_as_the_user_for_good(self):
        launcher = self.launch_as_nobody()
        if launcher is None:
            return
        python = public_python()
        result = launcher.finish(launcher.run(python, [python, "-c", self.IDENTITY]))
        self.assertEqual(result.output.decode(), "%r\n" % ((NOBODY,) * 6 + ([NOBODY], "kept"),))

    IDENTITY = (
        "import os\n"
        "try: os.setuid(0); kept = 'root'\n"
        "except PermissionError: kept = 'kept'\n"
        "print((*os.getresuid(), *os.getresgid(), os.getgroups(), kept))"
    )

    def test_standard_streams_can_be_opened_again(self):
        launcher = self.launch_as_nobody()
        if launcher is None:
            return
        result = launcher.finish(launcher.shell("cat /dev/stdin > /dev/stdout; echo e > /dev/stderr", body=b"again"))
        self.assertEqual((result.output, result.errors), (b"again", b"e\n"))

    def test_the_folder_is_entered_as_the_user(self):
        launcher = self.launch_as_nobody()
        if launcher is None:
            return
        os.mkdir(os.path.join(self.folder, "private"), 0o700)
        result = launcher.finish(launcher.shell("pwd", cwd=os.path.join(self.folder, "private")))
        self.assertEqual(result.error["class"], "EACCES")

    def test_the_file_of_a_body_is_opened_with_the_rights_of_its_user(self):
        launcher = self.launch_as_nobody()
        if launcher is None:
            return
        secret = self.write("secret", "of root", 0o600)
        self.assertEqual(launcher.finish(launcher.shell("cat", bodyFile=secret)).error["class"], "EACCES")
        body = self.write("body", "of the user", 0o600)
        os.chown(body, NOBODY, NOBODY)
        self.assertEqual(launcher.finish(launcher.shell("cat", bodyFile=body)).output, b"of the user")
        # And it is root again, for the next program.
        self.assertEqual(launcher.finish(launcher.shell("id -u")).output, b"%d\n" % NOBODY)

    def test_limits_and_aborting(self):
        launcher = self.launch_as_nobody(limits={**NO_LIMITS, "files": 40})
        if launcher is None:
            return
        self.assertEqual(launcher.finish(launcher.shell("ulimit -n")).output, b"40\n")
        stream = launcher.shell("trap '' TERM; echo ready; while :; do sleep 0.01; done")
        launcher.wait(lambda: launcher.results[stream].output)
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: launcher.results[stream].exited)
        self.assertEqual(launcher.results[stream].status, -signal.SIGKILL)

    def test_warm_scripts_and_their_zygote_run_as_the_user(self):
        launcher = self.launch_as_nobody()
        if launcher is None:
            return
        python = public_python()
        self.warm_up(launcher, self.install("hello.py", python), python)
        (zygote,) = children_of(launcher.process.pid)
        self.assertEqual(os.stat("/proc/%d" % zygote).st_uid, NOBODY)
        path = self.write("identity.py", "#!%s\n%s\n" % (python, self.IDENTITY))
        result = launcher.finish(self.start(launcher, path, python))
        self.assertTrue(result.warm)
        self.assertEqual(result.output.decode(), "%r\n" % ((NOBODY,) * 6 + ([NOBODY], "kept"),))
        stream = self.start(launcher, self.install("ignore_sigterm.py", python), python)
        launcher.wait(lambda: b"ready" in launcher.results[stream].output)
        launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: launcher.results[stream].exited)
        self.assertEqual(launcher.results[stream].status, -signal.SIGKILL)


def public_python():
    """An interpreter that every user can execute."""
    return next(
        path
        for path in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3")
        if os.path.exists(path) and all(os.stat(folder).st_mode & 0o001 for folder in parents(os.path.realpath(path)))
    )


def parents(path):
    while path != "/":
        yield path
        path = os.path.dirname(path)


def children_of(pid):
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b") ")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != b"Z":
                found.add(int(name))
    return found


if __name__ == "__main__":
    unittest.main()
