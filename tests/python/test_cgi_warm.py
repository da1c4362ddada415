"""Warm runs, forked from a zygote, against cold ones: a script must not be able to tell which it is.

Each comparison runs the same command in the same launcher twice, once with "warm" and once without, and compares
the bytes of both outputs and the status. Then what the zygotes are for: changed scripts, and their own life and
death.
"""

import glob
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import unittest

from cgi_gateway import NO_LIMITS, PROGRAMS, LauncherTest, eventually, frames, is_alive
from test_cgi_launcher import children_of

ENVIRON = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "QUERY_STRING": "a=1&b=%20",
    "PATH_INFO": "/caf\u00e9",
    "HTTP_COOKIE": b"raw=\xff\xfe",
    "EMPTY": "",
}


class WarmTest(LauncherTest):
    """`launcher`: one with a zygote that is ready."""

    HELLO = {}

    @classmethod
    def setUpClass(cls):
        # One zygote serves the whole class: that is the point of it.
        cls.shared = cls("run_nothing")
        cls.shared.setUp()
        cls.launcher = cls.shared.launch(**cls.HELLO)
        cls.shared.warm_up(cls.launcher, cls.shared.install("hello.py"))

    @classmethod
    def tearDownClass(cls):
        cls.shared.doCleanups()

    def run_nothing(self):
        pass

    def compare(self, path, args=(), python=None, launcher=None, **order):
        """Runs `path` cold and warm, checks that nothing is different, and returns the cold Result."""
        launcher = launcher or self.launcher
        order = {"cwd": self.folder, "environ": ENVIRON, **order}
        cold = launcher.finish(launcher.run(path, [path, *args], **order))
        warm = launcher.finish(self.start(launcher, path, python, args, **order))
        self.assertEqual((cold.warm, warm.warm), (False, True))
        for one, other in ((warm.errors, cold.errors), (warm.output, cold.output)):
            self.assertEqual(readable(one), readable(other))
            self.assertEqual(without_addresses(one), without_addresses(other))
        self.assertEqual(warm.exited, cold.exited)
        return cold


def without_addresses(text):
    return re.sub(rb"0x[0-9a-f]{6,}", b"0xADDRESS", text)


def readable(text):
    return without_addresses(text).decode("utf-8", "replace")


def read_source(name):
    """A program of tests/python/cgi without its first line."""
    with open(os.path.join(PROGRAMS, name), "rb") as file:
        return file.read().partition(b"\n")[2]


def is_zygote(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as file:
        return b"zygote.py" in file.read()


class State(WarmTest):
    """All that Python and the operating system know of the process."""

    def compare_state(self, launcher=None, args=(), **order):
        path = self.install("describe.py")
        return json.loads(self.compare(path, args, launcher=launcher, **order).output.decode())

    def test_it_is_the_same(self):
        state = self.compare_state(args=["one", "\u00e9", b"\xff"])
        self.assertEqual(state["path"][0], self.folder)
        self.assertEqual(state["descriptors"], [0, 1, 2])
        self.assertEqual(dict(state["environ"])["EMPTY"], "")
        self.assertTrue(state["is_main"])

    def test_with_a_body(self):
        self.assertEqual(self.compare_state(body=b"line\r\nother\n")["input"], "line\r\nother\n")
        self.compare_state(body=b"x" * 65536)
        self.assertEqual(self.compare_state(bodyFile=self.write("body", "file\n" * 3))["input"], "file\n" * 3)

    def test_by_a_symbolic_link(self):
        self.install("describe.py")
        os.makedirs(os.path.join(self.folder, "a/b"))
        os.symlink("../../describe.py", os.path.join(self.folder, "a/b/link.py"))
        os.symlink("a", os.path.join(self.folder, "through"))
        path = os.path.join(self.folder, "through/b/link.py")
        state = json.loads(self.compare(path).output.decode())
        self.assertEqual(state["path"][0], self.folder)
        self.assertEqual(state["argv"], [path])

    def test_by_env(self):
        folder = os.path.dirname(sys.executable)
        name = os.path.basename(sys.executable)
        launcher = self.launch(environ={"PATH": "%s:/usr/bin:/bin" % folder})
        path = self.write("by_env.py", b"#!/usr/bin/env " + os.fsencode(name) + b"\n" + read_source("describe.py"))
        self.warm_up(launcher, path)
        state = json.loads(self.compare(path, launcher=launcher).output.decode())
        self.assertEqual(state["executable"], sys.executable)
        self.assertIn(state["orig_argv"], (None, [name, path]))

    def test_as_an_argument_of_the_interpreter(self):
        path = self.write("plain.py", read_source("describe.py"), 0o644)
        argv = [sys.executable, path, "x"]
        cold = self.launcher.finish(self.launcher.run(sys.executable, argv, cwd=self.folder))
        warm = self.launcher.finish(
            self.launcher.run(
                sys.executable, argv, cwd=self.folder, warm=sys.executable, script=path, args=["x"]
            )
        )
        self.assertTrue(warm.warm)
        self.assertEqual(readable(warm.output), readable(cold.output))

    def test_in_other_environments(self):
        base = {"PATH": "/usr/bin:/bin"}
        for name, environ in {
            "utf-8": {"LANG": "C.UTF-8"},
            "coerced": {"LC_CTYPE": "C", "HOME": "/nonexistent"},
            "not coerced": {"LC_ALL": "C"},
            "unbuffered": {"PYTHONUNBUFFERED": "1"},
            "options": {"PYTHONOPTIMIZE": "1", "PYTHONWARNINGS": "always", "PYTHONDONTWRITEBYTECODE": "1"},
            "encoding": {"PYTHONIOENCODING": "latin-1:replace", "PYTHONUTF8": "0"},
            "path": {"PYTHONPATH": self.folder, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0"},
            "fault handler": {"PYTHONFAULTHANDLER": "1", "PYTHONNOUSERSITE": "1"},
        }.items():
            with self.subTest(name):
                launcher = self.launch(environ={**base, **environ})
                self.warm_up(launcher, self.install("hello.py"))
                self.compare_state(launcher)
                self.compare(self.install("use_encodings.py"), ["\u00e9", b"\xff"], launcher=launcher)
                self.compare(self.install("raise_error.py"), launcher=launcher)
                self.compare(self.install("at_exit.py"), launcher=launcher)

    def test_limits_and_umask(self):
        limits = {"cpuSeconds": 5, "memoryBytes": 1 << 30, "files": 50, "processes": 5000}
        launcher = self.launch(limits=limits, umask=0o27)
        self.warm_up(launcher, self.install("hello.py"))
        state = self.compare_state(launcher)
        self.assertEqual(state["umask"], 0o27)
        spin = self.write("spin.py", "#!%s\nwhile True: pass\n" % sys.executable)
        limits = {**limits, "cpuSeconds": 1}
        launcher = self.launch(limits=limits)
        self.warm_up(launcher, self.install("hello.py"))
        self.assertEqual(self.compare(spin, launcher=launcher).status, -signal.SIGKILL)
        large = self.write("large.py", "#!%s\nx = bytearray(1 << 31)\n" % sys.executable)
        self.assertIn(b"MemoryError", self.compare(large, launcher=launcher).errors)

    def test_variables_that_matter_at_the_start_of_an_interpreter(self):
        path = self.install("describe.py")
        for name in ("PYTHONUNBUFFERED", "LC_ALL", "LD_LIBRARY_PATH", "TZ", "HOME"):
            with self.subTest(name):
                result = self.launcher.finish(self.start(self.launcher, path, environ={name: "1"}))
                self.assertEqual((result.warm, result.status), (False, 0))
        result = self.launcher.finish(self.start(self.launcher, path, environ={"HTTP_X": "PYTHONPATH", "TZONE": "TZ"}))
        self.assertTrue(result.warm)

    def test_modules_that_are_preloaded(self):
        names = ["json", "email.message", "decimal"]
        launcher = self.launch(preload=names)
        source = "#!%s\n%%simport sys\nprint(sorted(sys.modules))\n" % sys.executable
        warm = self.write("warm.py", source % "")
        self.warm_up(launcher, warm)
        cold = self.write("cold.py", source % "".join("import %s\n" % name for name in names))
        expected = launcher.finish(launcher.run(cold))
        self.assertEqual(launcher.finish(self.start(launcher, warm)).output, expected.output)
        self.compare(cold, launcher=launcher)
        self.assertEqual(launcher.logs, [])

    def test_a_module_that_cannot_be_preloaded(self):
        launcher = self.launch(preload=["no_such_module", "json"])
        self.warm_up(launcher, self.install("hello.py"))
        launcher.wait(lambda: launcher.logs)
        level, text = launcher.logs[0]
        self.assertEqual(level, frames.LEVEL_WARNING)
        self.assertIn("%s: cannot preload no_such_module: ModuleNotFoundError" % sys.executable, text)


class Ends(WarmTest):
    """All the ways in which a script may end."""

    def test_exit_statuses(self):
        path = self.install("exit_with.py")
        for value, status in [
            ("None", 0),
            ("0", 0),
            ("7", 7),
            ("True", 1),
            ("256 + 9", 9),
            ("-1", 255),
            ("-300", 212),
            ("1 << 40", 0),
            ("(1 << 40) + 5", 5),
            ("1 << 70", 255),
            ("-(1 << 70)", 255),
            ("'a message'", 1),
            ("'caf\\u00e9 \\udcff'", 1),
            ("''", 1),
            ("(1, 2)", 1),
            ("2.5", 1),
            ("str", 1),
        ]:
            with self.subTest(value):
                self.assertEqual(self.compare(path, [value]).status, status)

    def test_exit_without_standard_error(self):
        for statement in ("sys.stderr = None", "del sys.stderr", "sys.stderr.close()"):
            with self.subTest(statement):
                self.compare(self.write("x.py", "#!%s\nimport sys\n%s\nsys.exit('x')\n" % (sys.executable, statement)))

    def test_errors(self):
        path = self.install("raise_error.py")
        self.assertIn(b"raise_error.py\", line ", self.compare(path).errors)
        self.compare(path, ["x"])
        other = self.install("raise_other.py")
        for failure in ("ValueError('x')", "MyExit()", "SystemExit('text')", "MyInterrupt()", "GeneratorExit()"):
            for hook in ((), ("loud",), ("failing",), ("exiting",), ("none",)):
                with self.subTest(failure, hook=hook):
                    self.compare(other, [failure, *hook])

    def test_keyboard_interrupts(self):
        path = self.install("raise_other.py")
        for hook in ((), ("loud",), ("failing",), ("none",)):
            with self.subTest(hook=hook):
                self.assertEqual(self.compare(path, ["KeyboardInterrupt()", *hook]).status, -signal.SIGINT)
        self.compare(path, ["KeyboardInterrupt()", "exiting"])

    def test_by_itself(self):
        path = self.install("end_itself.py")
        for how in ("_exit", "exec", "abort", "SIGKILL", "SIGTERM", "SIGSEGV", "SIGHUP", "SIGPIPE", "SIGINT"):
            with self.subTest(how):
                self.compare(path, [how])

    def test_standard_output_fails(self):
        path = self.install("break_output.py")
        for how, status in (("full", 120), ("closed", 120), ("pipe", 120), ("object", 0), ("none", 0), ("errors", 0)):
            with self.subTest(how):
                self.compare(path, [how])
                if status:
                    self.assertEqual(self.compare(path, [how]).status, status)

    def test_exit_handlers_and_threads(self):
        result = self.compare(self.install("at_exit.py"))
        self.assertEqual(
            result.output.split(b"\n"), [b"end of script", b"thread plain", b"handler last", b"handler first", b""]
        )
        for _ in range(5):
            self.compare(self.install("daemon_thread.py"))

    def test_finalizers(self):
        """All of them are called, and what they see is the same. Their order within one collection of garbage is
        chance: it hangs on when the one before was."""
        self.install("beside.py")
        path = self.install("finalizers.py")
        cold = self.launcher.finish(self.launcher.run(path, cwd=self.folder))
        warm = self.launcher.finish(self.start(self.launcher, path))
        self.assertEqual((warm.warm, warm.errors, warm.status), (True, b"", 0))
        self.assertEqual(sorted(warm.output.splitlines()), sorted(cold.output.splitlines()))
        self.assertEqual(cold.errors, b"")
        for text in (b"gone: plain", b"gone: cycle", b"gone: beside", b"gone from beside: module", b"generator closed"):
            self.assertIn(text, cold.output)

    def test_files_that_were_not_flushed(self):
        self.install("beside.py")
        path = self.install("unflushed_files.py")
        found = []
        for _ in range(2):
            folder = tempfile.mkdtemp(dir=self.folder)
            found.append({})
            result = self.launcher.finish(
                self.start(self.launcher, path, args=[folder])
                if len(found) > 1
                else self.launcher.run(path, [path, folder])
            )
            self.assertEqual((result.warm, result.status, result.errors), (len(found) > 1, 0, b""))
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), "rb") as file:
                    found[-1][name] = file.read()
        self.assertEqual(found[0], found[1])
        self.assertEqual(len(found[0]), 10)
        self.assertNotIn(b"", found[0].values())

    def test_a_tracing_script(self):
        self.compare(self.install("trace_itself.py"))

    def test_what_the_c_library_has_buffered(self):
        self.assertEqual(self.compare(self.install("print_from_c.py")).output, b"from C\n")


class Doings(WarmTest):
    """What scripts do on their way."""

    def test_input(self):
        path = self.install("read_input.py")
        body = b"first\r\nsecond line\n" * 1000
        self.compare(path)
        self.compare(path, body=body)
        self.compare(path, bodyFile=self.write("body", body))

    def test_fork(self):
        result = self.compare(self.install("fork_both.py"))
        self.assertIn(b"child ended with 1\n", result.output)

    def test_other_programs(self):
        self.compare(self.install("start_others.py"), body=b"the body\n")

    def test_multiprocessing(self):
        result = self.compare(self.install("use_multiprocessing.py"))
        self.assertEqual(result.output, b"fork [0, 1, 4, 9, 16]\nspawn [0, 1, 4, 9, 16]\n")

    def test_being_main(self):
        self.compare(self.install("use_main.py"))

    def test_signals(self):
        self.assertEqual(self.compare(self.install("use_signals.py")).errors, b"alarm\n")

    def test_warnings(self):
        self.install("beside.py")
        result = self.compare(self.install("warn.py"))
        self.assertRegex(result.errors, rb"<?sys>?:[01]: UserWarning: ")

    def test_warnings_when_it_is_compiled(self):
        source = "#!%s\nx = 'a' is 'b'\nassert (x, 'always')\ny = '\\d'\nprint(x, len(y))\n" % sys.executable
        path = self.write("warns.py", source)
        for _ in range(2):
            self.assertIn(b"SyntaxWarning", self.compare(path).errors)

    def test_modules_beside_the_script(self):
        path = self.write("main.py", "#!%s\nimport colorsys, part\nprint(colorsys.NAME, part.NAME)\n" % sys.executable)
        self.write("colorsys.py", "NAME = 'shadow'\n")
        part = self.write("part.py", "NAME = 'one'\n")
        self.assertEqual(self.compare(path).output, b"shadow one\n")
        cache = sorted(os.path.basename(name) for name in glob.glob(os.path.join(self.folder, "__pycache__", "*")))
        shutil.rmtree(os.path.join(self.folder, "__pycache__"))
        self.launcher.finish(self.start(self.launcher, path))
        self.assertEqual(
            sorted(os.path.basename(name) for name in glob.glob(os.path.join(self.folder, "__pycache__", "*"))), cache
        )
        with open(part, "w") as file:
            file.write("NAME = 'another'\n")
        self.assertEqual(self.compare(path).output, b"shadow another\n")
        os.remove(part)
        os.mkdir(os.path.join(self.folder, "part"))
        self.write("part/__init__.py", "NAME = 'package'\n")
        self.assertEqual(self.compare(path).output, b"shadow package\n")

    def test_sources(self):
        first = "#!%s\n" % sys.executable
        for name, source in {
            "latin-1": first.encode() + b"# coding: latin-1\nprint(ascii('\xe9'))\n",
            "crlf": first.encode() + b"print('''a\r\nb''')\r\nprint(2)\r\n",
            "no end": first.encode() + b"print(3)",
            "future": (first + "from __future__ import annotations\nx: y = 1\nprint(__annotations__)\n").encode(),
            "docstring": (first + "'doc'\nprint(__doc__, list(globals()))\n").encode(),
            "nothing": (first + "\n").encode(),
            "large": (first + "print(len(%r))\n" % ("x" * 300000)).encode(),
        }.items():
            with self.subTest(name):
                self.assertEqual(self.compare(self.write("source.py", source)).status, 0)


class Cold(WarmTest):
    """What has to be executed in any case, and so is."""

    def compare_cold(self, path):
        results = [
            self.launcher.finish(self.launcher.run(path)),
            self.launcher.finish(self.start(self.launcher, path, cwd="/")),
        ]
        for result in results:
            self.assertFalse(result.warm)
        one, other = ((result.output, result.errors, result.exited, result.error) for result in results)
        self.assertEqual(one, other)
        return results[1]

    def test_what_cannot_be_compiled(self):
        first = b"#!" + os.fsencode(sys.executable) + b"\n"
        for name, source in {
            "syntax": b"print(1\nx = (\n",
            "indentation": b"if 1:\nx\n",
            "tabs": b"if 1:\n\tx\n        y\n",
            "encoding": b"x = '\xe9'\n",
            "unknown encoding": b"# coding: nonsense\n",
            "null": b"x = 1\0\n",
            "deep": b"x = " + b"(" * 300 + b")" * 300 + b"\n",
            "return": b"return 1\n",
        }.items():
            with self.subTest(name):
                result = self.compare_cold(self.write("source.py", first + source))
                # Older Pythons read until the null.
                self.assertIn(result.status, (1, 0) if name == "null" else (1,))

    def test_what_is_not_usual(self):
        source = "import sys\nprint(sys.flags)\n"
        python = sys.executable
        self.compare_cold(self.write("options.py", "#!%s -Bs\n%s" % (python, source)))
        self.compare_cold(self.write("other.sh", "#!/bin/sh\necho $0\n"))
        self.compare_cold(self.write("headless.py", source))
        self.compare_cold(self.write("plain.py", "#!%s\n%s" % (python, source), 0o644))
        self.compare_cold(os.path.join(self.folder, "missing.py"))
        self.compare_cold(self.folder)
        fifo = os.path.join(self.folder, "fifo.py")
        os.mkfifo(fifo, 0o755)
        self.compare_cold(fifo)

    def test_a_folder_that_is_missing(self):
        path = self.install("hello.py")
        result = self.launcher.finish(self.start(self.launcher, path, cwd="/nonexistent"))
        self.assertEqual(result.error["class"], "ENOENT")
        self.assertIn("cannot enter the folder", result.error["message"])

    def test_an_environment_that_is_too_large_for_a_message(self):
        environ = {"LARGE": "x" * 70000}
        result = self.launcher.finish(self.start(self.launcher, self.install("hello.py"), environ=environ))
        self.assertEqual((result.warm, result.status), (False, 0))


class Changes(WarmTest):
    def test_a_script_that_is_written_again_and_again(self):
        """Also within one tick of the clock, and with the same length."""
        for number in range(60):
            path = self.write("changing.py", "#!%s\nprint('version %03d')\n" % (sys.executable, number))
            result = self.launcher.finish(self.start(self.launcher, path))
            self.assertEqual((result.warm, result.output), (True, b"version %03d\n" % number))

    def test_a_script_that_is_replaced_with_its_old_time(self):
        path = self.write("one.py", "#!%s\nprint('one')\n" % sys.executable)
        os.utime(path, (1000000, 1000000))
        self.assertTrue(eventually(lambda: time.time() - os.stat(path).st_ctime > 0.2))
        for _ in range(2):
            self.assertEqual(self.launcher.finish(self.start(self.launcher, path)).output, b"one\n")
        other = self.write("two.py", "#!%s\nprint('two')\n" % sys.executable)
        os.utime(other, (1000000, 1000000))
        os.rename(other, path)
        self.assertEqual(self.launcher.finish(self.start(self.launcher, path)).output, b"two\n")

    def test_a_link_above_it_that_is_changed(self):
        for name in ("one", "two"):
            self.write(name + "/part.py", "NAME = %r\n" % name)
        os.link(
            self.write("one/main.py", "#!%s\nimport part\nprint(part.NAME)\n" % sys.executable),
            os.path.join(self.folder, "two/main.py"),
        )
        link = os.path.join(self.folder, "current")
        os.symlink("one", link)
        self.assertEqual(self.compare(os.path.join(link, "main.py")).output, b"one\n")
        os.remove(link)
        os.symlink("two", link)
        self.assertEqual(self.compare(os.path.join(link, "main.py")).output, b"two\n")

    def test_nothing_of_one_run_is_found_in_the_next(self):
        path = self.write(
            "leave.py",
            "#!%s\nimport os, sys\nprint(sorted(os.environ), getattr(sys, 'left', None), os.getcwd(), os.umask(0o77))\n"
            "sys.left = 1\nos.environ['LEFT'] = '1'\nsys.path.append('/left')\nsys.modules['left'] = sys\n"
            "os.chdir('/tmp')\n" % sys.executable,
        )
        results = [self.compare(path, environ={"ONLY_%d" % number: "x"}) for number in range(3)]
        self.assertEqual(len({result.output for result in results}), 3)

    def test_variables_that_come_and_go(self):
        path = self.install("describe.py")
        always = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/describe.py"}
        many = {"V%d" % number: "x" * 200 for number in range(250)}
        for environ in (
            always,
            always,
            {**always, "UNIQUE_ID": "1"},
            {**always, "UNIQUE_ID": "2"},
            {**always, "UNIQUE_ID": "2", "HTTP_COOKIE": "a=b"},
            {**always, "UNIQUE_ID": "2"},
            {**always, "UNIQUE_ID": "2", "PATH": "/bin"},
            {**always, "UNIQUE_ID": "2", "PATH": "/bin"},
            {**always, "UNIQUE_ID": "2", "PATH": "/bin"},
            {"UNIQUE_ID": "2", **always},
            {},
            many,
            many,
            {**many, "V7": "another"},
            dict.fromkeys(many, "y" * 200),
            dict.fromkeys(many, "y" * 200),
            dict.fromkeys(many, "y" * 200),
            {**many, "V7": ""},
            always,
        ):
            with self.subTest(len(environ)):
                self.compare(path, environ=environ)

    def test_of_two_variables_of_one_name_the_last_counts(self):
        source = "#!%s\nimport os\nprint(os.environ['A'])\nos.system('echo $A')\n"
        path = self.write("twice.py", source % sys.executable)
        for first in (b"1", b"1", b"2", b"3"):
            result = self.launcher.finish(self.start(self.launcher, path, environ=[("A", first), ("A", b"last")]))
            self.assertEqual(result.output, b"last\nlast\n")


class Zygotes(LauncherTest):
    def zygotes(self, launcher):
        """Their process ids, when no program runs."""
        return children_of(launcher.process.pid)

    def test_runs_are_cold_until_it_is_ready(self):
        launcher = self.launch()
        path = self.install("hello.py")
        results = [launcher.finish(self.start(launcher, path)) for _ in range(3)]
        self.assertFalse(results[0].warm)
        self.assertEqual({result.output for result in results}, {b"Content-Type: text/plain\n\nhello\n"})
        self.warm_up(launcher, path)

    def test_many_at_once(self):
        launcher = self.launch()
        path = self.install("hello.py")
        self.warm_up(launcher, path)
        before = launcher.descriptors()
        for _ in range(4):
            streams = [
                self.start(launcher, path, environ={"LARGE": "x" * 20000}, body=b"y" * (number % 2 * 50))
                for number in range(60)
            ]
            for stream in streams:
                result = launcher.finish(stream)
                self.assertEqual((result.warm, result.status), (True, 0))
                self.assertEqual(result.output, b"Content-Type: text/plain\n\nhello\n")
                del launcher.results[stream]
        self.assertTrue(eventually(lambda: launcher.descriptors() == before))
        (zygote,) = self.zygotes(launcher)
        self.assertEqual(children_of(zygote), set())
        self.assertEqual(len(os.listdir("/proc/%d/fd" % zygote)), 4)

    def test_scripts_do_not_outlive_a_launcher_that_has_died(self):
        launcher = self.launch()
        path = self.install("ignore_sigterm.py")
        self.warm_up(launcher, self.install("hello.py"))
        running = self.start(launcher, path)
        launcher.wait(lambda: b"ready" in launcher.results[running].output)
        self.assertTrue(launcher.results[running].warm)
        zygotes = self.zygotes(launcher)
        launcher.process.kill()
        launcher.process.wait(20)
        for pid in [launcher.results[running].pid, *zygotes]:
            self.assertTrue(eventually(lambda pid=pid: not is_alive(pid)), pid)

    def test_it_is_replaced_when_it_is_killed(self):
        launcher = self.launch()
        path = self.install("hello.py")
        self.warm_up(launcher, path)
        go = os.path.join(self.folder, "go")
        running = self.start(launcher, self.install("take_time.py"), args=[go])
        launcher.wait(lambda: launcher.results[running].output)
        self.assertTrue(launcher.results[running].warm)
        (zygote,) = children_of(launcher.process.pid)
        os.kill(zygote, signal.SIGKILL)
        for _ in range(3):
            self.assertEqual(launcher.finish(self.start(launcher, path)).output, b"Content-Type: text/plain\n\nhello\n")
        launcher.wait(lambda: launcher.logs)
        self.assertIn("signal 9", launcher.logs[0][1])
        self.warm_up(launcher, path)
        # What it had forked lives on; only its status is lost.
        self.write("go", "")
        result = launcher.finish(running)
        self.assertEqual(result.output, b"running\ndone\n")
        self.assertEqual(result.exited, {"code": None, "signal": None, "stderrDropped": 0})

    def test_it_is_killed_again_and_again(self):
        """Each run is done once, whatever happens."""
        launcher = self.launch()
        source = "#!%s\nimport sys\nopen(sys.argv[1], 'x').close()\nprint('once')\n"
        path = self.write("once.py", source % sys.executable)
        self.warm_up(launcher, self.install("hello.py"))
        number = 0
        for _ in range(8):
            streams = []
            for _ in range(20):
                number += 1
                streams.append(self.start(launcher, path, args=[os.path.join(self.folder, "made-%d" % number)]))
            for pid in children_of(launcher.process.pid):
                if is_zygote(pid):
                    os.kill(pid, signal.SIGKILL)
            for stream in streams:
                result = launcher.finish(stream)
                self.assertEqual((result.output, result.errors), (b"once\n", b""))
        self.assertEqual(len(glob.glob(os.path.join(self.folder, "made-*"))), number)
        self.assertEqual(launcher.drain(), 0)

    def test_a_script_kills_it(self):
        launcher = self.launch()
        killer = self.write(
            "killer.py", "#!%s\nimport os\nos.kill(os.getppid(), 9)\nprint('killed')\n" % sys.executable
        )
        self.warm_up(launcher, self.install("hello.py"))
        result = launcher.finish(self.start(launcher, killer))
        self.assertEqual((result.warm, result.output), (True, b"killed\n"))
        self.warm_up(launcher, self.install("hello.py"))

    def test_a_script_stops_it(self):
        launcher = self.launch()
        path = self.install("hello.py")
        self.warm_up(launcher, path)
        (zygote,) = self.zygotes(launcher)
        os.kill(zygote, signal.SIGSTOP)
        streams = [self.start(launcher, path) for _ in range(5)]
        aborted = self.start(launcher, path)
        launcher.send(frames.ABORT, aborted)
        for stream in streams:
            self.assertEqual((launcher.finish(stream).warm, launcher.results[stream].status), (False, 0))
        launcher.wait(lambda: launcher.results[aborted].exited)
        self.assertEqual(launcher.results[aborted].kinds, ["EXITED"])
        self.assertFalse(is_alive(zygote))
        self.warm_up(launcher, path)

    def test_reload_gives_it_up_and_disturbs_nobody(self):
        launcher = self.launch(preload=["settings"], environ={"PATH": "/bin", "PYTHONPATH": self.folder})
        self.write("settings.py", "VALUE = 1\n")
        path = self.write("show.py", "#!%s\nimport settings\nprint(settings.VALUE)\n" % sys.executable)
        self.warm_up(launcher, path)
        go = os.path.join(self.folder, "go")
        running = self.start(launcher, self.install("take_time.py"), args=[go])
        launcher.wait(lambda: launcher.results[running].output)
        self.write("settings.py", "VALUE = 'changed'\n")
        self.assertEqual(launcher.finish(self.start(launcher, path)).output, b"1\n")
        (old,) = children_of(launcher.process.pid)
        launcher.send(frames.RELOAD)
        self.assertEqual(launcher.finish(self.start(launcher, path)).output, b"changed\n")
        self.warm_up(launcher, path)
        self.assertEqual(launcher.finish(self.start(launcher, path)).output, b"changed\n")
        self.write("go", "")
        self.assertEqual(launcher.finish(running).exited, {"code": 0, "signal": None, "stderrDropped": 0})
        self.assertTrue(eventually(lambda: not is_alive(old)))
        self.assertEqual(launcher.logs, [])
        self.assertEqual(launcher.drain(), 0)

    def test_an_interpreter_that_is_unfit(self):
        """A program of the name of Python; and old Pythons, where there are some."""
        source = "#!/bin/sh\ncase $1 in *zygote.py) echo sorry >&2; exit 3;; esac\nexec /bin/sh \"$@\"\n"
        cases = [self.write("python3", source)]
        cases += glob.glob(os.path.expanduser("~/.pyenv/versions/[23].[67]*/bin/python"))
        for python in cases:
            with self.subTest(python):
                launcher = self.launch()
                source = "#!%s\necho='print'\n" % python
                path = self.write("script", source)
                launcher.finish(self.start(launcher, path, python))
                launcher.wait(lambda launcher=launcher: any("for want of" in text for _, text in launcher.logs))
                level, text = launcher.logs[-1]
                self.assertEqual(level, frames.LEVEL_WARNING)
                self.assertIn(python, text)
                self.assertIn("is needed" if "pyenv" in python else "status 3", text)
                for _ in range(3):
                    result = launcher.finish(self.start(launcher, path, python))
                    self.assertEqual((result.warm, result.status, result.errors), (False, 0, b""))
                self.assertTrue(eventually(lambda launcher=launcher: not self.zygotes(launcher)))
                self.assertEqual(sum("for want of" in text for _, text in launcher.logs), 1)
                launcher.send(frames.RELOAD)
                launcher.finish(self.start(launcher, path, python))
                launcher.wait(lambda launcher=launcher: sum("for want of" in text for _, text in launcher.logs) == 2)

    def test_what_a_zygote_says_is_not_believed(self):
        """Scripts run as the same user, and can speak for it."""
        lies = ["S 1 1", "S 1 0", "S 1 -5", "S 1 99999999999999999999", "S 7 7", "E 1", "E x y", "E 3 5", "S" * 2000]
        source = ["#!/bin/sh", "case $1 in *zygote.py) ;; *) exec /bin/sh \"$@\";; esac", "exec <&3", "printf R >&3"]
        source += ["dd bs=65536 count=1 of=/dev/null 2>/dev/null"] * 2  # its settings, and a run
        source += ["until [ -e '%s/go' ]; do sleep 0.01; done" % self.folder]
        source += ["printf '%s' >&3" % lie for lie in lies for _ in range(100)]
        source += ["printf 'C 1 0' >&3", "printf 'E 1 77777777777' >&3", "exec sleep 1000"]
        python = self.write("python3", "\n".join(source))
        path = self.write("script", "#!%s\necho truth\n" % python)
        launcher = self.launch()
        launcher.finish(self.start(launcher, path, python))
        deadline = time.monotonic() + 20
        while True:
            stream = self.start(launcher, path, python)
            while not launcher.results[stream].over and launcher.read(0.3):
                pass
            if not launcher.results[stream].over:
                break  # It waits for an answer.
            self.assertLess(time.monotonic(), deadline)
        self.write("go", "")
        result = launcher.finish(stream)
        self.assertEqual((result.warm, result.output), (False, b"truth\n"))
        self.assertEqual(result.exited, {"code": 0, "signal": None, "stderrDropped": 0})

    def test_what_preloaded_modules_say_is_logged_and_not_seen_by_scripts(self):
        self.write("noisy.py", "import sys\nprint('to output')\nsys.stderr.write('to errors')\n")
        launcher = self.launch(preload=["noisy"], environ={"PATH": "/bin", "PYTHONPATH": self.folder})
        path = self.install("hello.py")
        self.warm_up(launcher, path)
        self.assertEqual(launcher.finish(self.start(launcher, path)).output, b"Content-Type: text/plain\n\nhello\n")
        launcher.wait(lambda: launcher.logs)
        self.assertEqual({level for level, _ in launcher.logs}, {frames.LEVEL_INFO})
        text = "".join(text for _, text in launcher.logs)
        self.assertIn("to output", text)
        self.assertIn("to errors", text)

    def test_an_interpreter_that_is_missing(self):
        launcher = self.launch()
        result = launcher.finish(self.start(launcher, self.install("hello.py"), "/nonexistent/python3"))
        self.assertEqual((result.warm, result.status), (False, 0))
        self.assertIn("cannot execute /nonexistent/python3: No such file or directory", launcher.logs[0][1])

    def test_aborting_warm_runs(self):
        launcher = self.launch()
        self.warm_up(launcher, self.install("hello.py"))
        path = self.install("take_time.py")
        streams = [self.start(launcher, path, args=["/nonexistent"]) for _ in range(10)]
        for stream in streams[:5]:
            launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: all(launcher.results[stream].exited for stream in streams[:5]))
        for stream in streams[5:]:
            launcher.wait(lambda stream=stream: launcher.results[stream].output)
            self.assertTrue(launcher.results[stream].warm)
            launcher.send(frames.ABORT, stream)
        launcher.wait(lambda: all(launcher.results[stream].exited for stream in streams))
        for stream in streams[5:]:
            self.assertEqual(launcher.results[stream].status, -signal.SIGTERM)
        (zygote,) = self.zygotes(launcher)
        self.assertTrue(eventually(lambda: not children_of(zygote)))

    def test_credit(self):
        launcher = self.launch(credit=10)
        path = self.write("much.py", "#!%s\nprint('x' * 1000000)\n" % sys.executable)
        stream = self.start(launcher, path)
        launcher.wait(lambda: len(launcher.results[stream].output) == 10)
        launcher.send(frames.CREDIT, stream, frames.U32.pack(2000000))
        self.assertEqual(len(launcher.finish(stream).output), 1000001)

    def test_limits_do_not_wear_it_out(self):
        """A limit of processor time is each run's own."""
        launcher = self.launch(limits={**NO_LIMITS, "cpuSeconds": 1, "files": 20})
        path = self.install("hello.py")
        self.warm_up(launcher, path)
        for _ in range(3):
            streams = [self.start(launcher, path) for _ in range(50)]
            for stream in streams:
                self.assertEqual((launcher.finish(stream).warm, launcher.results[stream].status), (True, 0))


if __name__ == "__main__":
    unittest.main()
