"""The launcher's event loop."""

import os
import unittest

from xgi_cgi.loop import READABLE, Loop


class Source:
    def __init__(self, act=lambda: None):
        self.calls = 0
        self._act = act

    def on_ready(self, events):
        self.calls += 1
        self._act()


class LoopTest(unittest.TestCase):
    def setUp(self):
        self.loop = Loop()

    def pipe(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        return reader, writer

    def test_a_number_that_is_used_again_has_no_events_of_before(self):
        pairs = [self.pipe(), self.pipe()]
        later = Source()

        def replace():
            """Whichever comes first closes both, and their numbers are used again."""
            empty, _ = self.pipe()
            self.addCleanup(os.close, empty)
            for reader, _ in pairs:
                self.loop.forget(reader)
                os.dup2(empty, reader)
                self.addCleanup(os.close, reader)
                self.loop.watch(reader, READABLE, later)

        first = Source(replace)
        for reader, writer in pairs:
            self.loop.watch(reader, READABLE, first)
            os.write(writer, b"x")
        self.loop.turn()
        self.assertEqual((first.calls, later.calls), (1, 0))

    def test_what_is_watched_within_a_turn_is_heard_in_the_next(self):
        (reader, writer), (other, other_writer) = self.pipe(), self.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, other)
        late = Source(lambda: self.loop.forget(other))

        def watch():
            self.loop.forget(reader)
            self.loop.watch(other, READABLE, late)

        self.loop.watch(reader, READABLE, Source(watch))
        for end in (writer, other_writer):
            os.write(end, b"x")
        self.loop.turn()
        self.assertEqual(late.calls, 0)
        self.loop.turn()
        self.assertEqual(late.calls, 1)

    def test_timers(self):
        done = []
        self.loop.call_later(0.02, lambda: done.append("second"))
        self.loop.call_later(0.01, lambda: done.append("first"))
        while len(done) < 2:
            self.loop.turn()
        self.assertEqual(done, ["first", "second"])


if __name__ == "__main__":
    unittest.main()
