"""xgi_worker.post_fork: when callbacks run, in which order, and what becomes of one that raises."""

import os
import signal
import unittest

from gateway import Gateway, WorkerTest, frames

SOURCE = """
import os, xgi_worker
seen = []
@xgi_worker.post_fork
def first():
    seen.append(("first", os.getpid()))
    xgi_worker.post_fork(lambda: seen.append(("inner", os.getpid())))
assert xgi_worker.post_fork(second := (lambda: seen.append(("second", os.getpid())))) is second
assert not seen
def app(environ, start_response):
    if environ["PATH_INFO"] == "/late":
        xgi_worker.post_fork(lambda: seen.append(("late", os.getpid())))
    start_response("200 OK", [])
    return [repr(seen).encode()]
"""


class Hooks(WorkerTest):
    def expect(self, gateway, pid):
        names = ["first", "second", "inner"]
        self.assertEqual(eval(gateway.get("/").body), [(name, pid) for name in names])
        self.assertEqual(eval(gateway.get("/late").body)[3:], [("late", pid)])

    def test_in_order_in_a_spawned_worker(self):
        for threads in (1, 2):
            gateway = self.gateway_for(SOURCE, threads=threads)
            self.expect(gateway, gateway.process.pid)

    def test_in_every_forked_worker_and_not_in_the_zygote(self):
        zygote = self.zygote_for(SOURCE)
        for _ in range(2):
            gateway = Gateway("x", zygote=zygote)
            self.addCleanup(gateway.close)
            self.addCleanup(os.kill, gateway.pid, signal.SIGKILL)
            self.expect(gateway, gateway.pid)

    def test_one_that_raises(self):
        for line, name in (("1 / 0", "ZeroDivisionError"), ("raise SystemExit(0)", "SystemExit")):
            source = (
                "import xgi_worker\n@xgi_worker.post_fork\ndef connect():\n  %s\n"
                "@xgi_worker.post_fork\ndef after():\n  open('after', 'w').close()\n"
                "def app(e, s):\n  s('200 OK', [])\n  return []\n" % line
            )
            gateway = self.gateway_for(source, watch=True)
            zygote = self.zygote_for(source)
            self.assertIsNotNone(zygote.ready)
            forked = Gateway("x", zygote=zygote)
            self.addCleanup(forked.close)
            for worker in (gateway, forked):
                error = worker.boot_error
                self.assertEqual((error["class"], error["hint"]), (name, "post-fork-failed"))
                self.assertIn("in connect", error["traceback"])
                self.assertNotIn("xgi_worker/", error["traceback"])
                self.assertFalse(os.path.exists(os.path.join(worker.directory, "after")))
            self.assertEqual(gateway.exit_status(), 3)
            self.assertTrue(gateway.files)
            ended = zygote.receive(frames.EXITED)
            self.assertEqual(ended, {"pid": forked.pid, "code": 3, "signal": None})

    def test_what_is_not_callable(self):
        gateway = self.gateway_for("import xgi_worker\nxgi_worker.post_fork(None)\n")
        self.assertEqual(gateway.boot_error["class"], "TypeError")


if __name__ == "__main__":
    unittest.main()
