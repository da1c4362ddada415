"""FILES: which files a worker reports, and when."""

import json
import os
import signal
import unittest

from gateway import Gateway, WorkerTest, frames

APPLICATION = """
import email.mime.text, json, os, sqlite3, sys, helper
def app(environ, start_response):
    if environ["QUERY_STRING"]:
        __import__(environ["QUERY_STRING"])
    start_response("200 OK", [])
    return [b"ok"]
"""


class Files(WorkerTest):
    def own(self, directory, paths):
        """Those in `directory`, relative; fails if one of the others is of the standard library or the worker's."""
        found = []
        for path in paths:
            self.assertTrue(os.path.isabs(path) and os.path.isfile(path), path)
            if path.startswith(directory + os.sep):
                found.append(os.path.relpath(path, directory))
            else:
                # What .pth files of this interpreter import.
                self.assertIn("-packages" + os.sep, path)
        return sorted(found)

    def tree(self):
        directory = self.folder(application=APPLICATION, helper="import package.inner\n", late="x = 1\n", unused="")
        os.mkdir(os.path.join(directory, "package"))
        for name in ("__init__.py", "inner.py"):
            with open(os.path.join(directory, "package", name), "w"):
                pass
        return directory

    def next_files(self, channel):
        frame = channel.receive()
        self.assertEqual((frame.kind, frame.stream, frame.flags), (frames.FILES, 0, 0))
        return json.loads(frame.payload.decode())["files"]

    def test_before_ready_and_after_a_late_import(self):
        for threads in (1, 2):
            directory = self.tree()
            gateway = self.start("application:app", search_path=[directory], watch=True, threads=threads)
            self.assertEqual(
                self.own(directory, gateway.files),
                ["application.py", "helper.py", "package/__init__.py", "package/inner.py"],
            )
            self.assertTrue(gateway.get("/?late").ended)
            self.assertEqual(self.own(directory, self.next_files(gateway.control)), ["late.py"])
            self.assertTrue(gateway.get("/?late").ended)
            self.assertTrue(gateway.control.is_silent())
            self.assertEqual([name for name in os.listdir(directory) if name == "__pycache__"], [])

    def test_only_when_watching(self):
        for watch in (None, False):
            gateway = self.start("application:app", search_path=[self.tree()], watch=watch)
            self.assertEqual(gateway.files, [])

    def test_a_file_as_the_target(self):
        directory = self.tree()
        gateway = self.start(os.path.join(directory, "application.py"), search_path=[], watch=True)
        self.assertIn("application.py", self.own(directory, gateway.files))

    def boot_files(self, directory, hint, target="application:app"):
        gateway = self.start(target, search_path=[directory], watch=True)
        self.assertEqual(gateway.boot_error["hint"], hint)
        self.assertEqual(gateway.exit_status(), 3)
        return self.own(directory, gateway.files)

    def test_a_syntax_error(self):
        directory = self.folder(application="import fine, broken\n", fine="", broken="def (:\n")
        self.assertEqual(self.boot_files(directory, "raised"), ["application.py", "broken.py", "fine.py"])
        directory = self.folder(application="def (:\n")
        self.assertEqual(self.boot_files(directory, "raised"), ["application.py"])
        self.assertEqual(self.boot_files(directory, "raised", directory + "/application.py"), ["application.py"])

    def test_a_module_that_raises(self):
        directory = self.folder(
            application="try:\n  import a\nexcept KeyError:\n  import b\n",
            a="raise KeyError\n",
            b="from c import f\nf()\n",
            c="def f(): 1 / 0\n",
        )
        self.assertEqual(self.boot_files(directory, "raised"), ["a.py", "application.py", "b.py", "c.py"])

    def test_a_missing_name(self):
        directory = self.tree()
        self.assertIn("application.py", self.boot_files(directory, "missing-attribute:other", "application:other"))

    def test_bytecode_is_not_mistaken_for_its_source(self):
        directory = self.folder(application="value = b'1'\ndef app(e, s):\n  s('200 OK', [])\n  return [value]\n")
        path = os.path.join(directory, "application.py")
        for value in (b"1", b"2", b"3"):
            with open(path, "wb") as file:
                file.write(b"value = b'%s'\ndef app(e, s):\n  s('200 OK', [])\n  return [value]\n" % value)
            os.utime(path, (1000000000, 1000000000))
            gateway = self.start("application:app", search_path=[directory], watch=True)
            self.assertEqual(gateway.get("/").body, value)

    def test_objects_that_are_no_modules(self):
        gateway = self.gateway_for(
            "import importlib.util, sys, types\n"
            "class Trap:\n"
            "  def __getattr__(self, name):\n    raise RuntimeError(name)\n"
            "sys.modules['trap'] = Trap()\n"
            "sys.modules['none'] = None\n"
            "class Proxy:\n"
            "  @property\n"
            "  def __class__(self):\n    raise RuntimeError('outside of a request')\n"
            "sys.modules['proxy'] = Proxy()\n"
            "odd = sys.modules['odd'] = types.ModuleType('odd')\n"
            "odd.__file__ = 5\n"
            "relative = sys.modules['relative'] = types.ModuleType('relative')\n"
            "relative.__file__ = 'relative.py'\n"
            "gone = sys.modules['gone'] = types.ModuleType('gone')\n"
            "gone.__file__ = '/no/such/file.py'\n"
            "lone = sys.modules['lone'] = types.ModuleType('lone')\n"
            "lone.__file__ = '/\\udc80.py'\n"
            "spec = importlib.util.find_spec('this')\n"
            "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
            "lazy = sys.modules['this'] = importlib.util.module_from_spec(spec)\n"
            "spec.loader.exec_module(lazy)\n"
            "def app(e, s):\n  s('200 OK', [])\n  return [str(type(lazy).__name__).encode()]\n",
            watch=True,
        )
        self.assertEqual(
            [os.path.basename(path) for path in gateway.files if "-packages" not in path], ["application.py"]
        )
        self.assertEqual(gateway.get("/").body, b"_LazyModule")

    def test_zygote_and_workers_report_each_file_once(self):
        directory = self.tree()
        zygote = self.start_zygote("application:app", search_path=[directory], watch=True)
        self.assertIn("helper.py", self.own(directory, zygote.files))
        for _ in range(2):
            gateway = Gateway("x", zygote=zygote, watch=True)
            self.addCleanup(gateway.close)
            self.addCleanup(os.kill, gateway.pid, signal.SIGKILL)
            self.assertEqual(gateway.files, [])
            self.assertTrue(gateway.get("/?late").ended)
            self.assertEqual(self.own(directory, self.next_files(gateway.control)), ["late.py"])


if __name__ == "__main__":
    unittest.main()
