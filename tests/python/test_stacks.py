"""What the log says of the worker's threads when a request is past its deadline."""

import unittest

from gateway import WorkerTest, frames

SOURCE = """
import threading, time
def poll():
    time.sleep(600)
threading.Thread(target=poll, name="poller", daemon=True).start()
def recurse(depth):
    if depth:
        recurse(depth - 1)
    else:
        time.sleep(600)
def app(environ, start_response):
    if environ["QUERY_STRING"]:
        recurse(int(environ["QUERY_STRING"]))
    time.sleep(600)
"""


class Stacks(WorkerTest):
    def log(self, gateway, path="/", ends=True):
        stream = gateway.send(path)
        gateway.wait_started(stream)
        gateway.tell(frames.INTERRUPT, stream)
        log = gateway.control.receive()
        self.assertEqual((log.kind, log.stream, log.flags), (frames.LOG, stream, frames.LEVEL_ERROR))
        if ends:
            self.assertEqual(gateway.answer(stream).error["class"], "RequestTimeout")
        return log.payload.decode()

    def test_one_thread(self):
        text = self.log(self.gateway_for(SOURCE))
        lines = text.split("\n")
        self.assertIn("request past its deadline", lines[0])
        self.assertEqual(lines[1], "thread MainThread, which runs the request:")
        self.assertIn("in app", lines[2])
        self.assertIn("thread poller:\n", text)
        self.assertIn("in poll\n", text)
        for ours in ("xgi_worker", "xgi-control", "runpy", "__main__"):
            self.assertNotIn(ours, text)

    def test_several_threads(self):
        gateway = self.gateway_for(SOURCE, threads=3)
        other = gateway.send("/")
        gateway.wait_started(other)
        # A thread that sleeps hears of nothing.
        text = self.log(gateway, ends=False)
        threads = [part.split("\n", 1) for part in text.split("\nthread ")[1:]]
        self.assertRegex(threads[0][0], "^xgi-request-[0-9], which runs the request:$")
        self.assertIn("in app", threads[0][1])
        self.assertEqual(len([name for name, stack in threads if "in app" in stack]), 2)
        self.assertEqual(len([name for name, stack in threads if stack.strip() == "waits for a request"]), 1)
        self.assertEqual(
            sorted(name.split(",")[0].rstrip(":") for name, _ in threads),
            ["MainThread", "poller", "xgi-request-0", "xgi-request-1", "xgi-request-2"],
        )
        for ours in ("xgi_worker", "xgi-control"):
            self.assertNotIn(ours, text)

    def test_it_is_bounded(self):
        source = SOURCE + (
            "for n in range(300):\n"
            "  threading.Thread(target=eval('lambda: time.sleep(600)'), name='x' * 2000, daemon=True).start()\n"
        )
        text = self.log(self.gateway_for(source), "/?900")
        self.assertLess(len(text), 200 * 1024)
        self.assertRegex(text, "[0-9]+ more threads$")
        self.assertIn("in recurse", text)
        self.assertIn("time.sleep(600)", text)


if __name__ == "__main__":
    unittest.main()
