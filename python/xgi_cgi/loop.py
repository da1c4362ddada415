"""The event loop: descriptors that become ready, and timers. One thread, level triggered, nothing in it may block.

A *source* is an object with ``on_ready(events)``.
"""

import heapq
import itertools
import select
from time import monotonic

READABLE = select.POLLIN
WRITABLE = select.POLLOUT


class Loop:
    def __init__(self):
        self._poller = select.epoll() if hasattr(select, "epoll") else _Poll()
        self._sources = {}
        self._fresh = set()
        """Watched since the last events came, which were of others: a number may have been closed and used again."""
        self._timers = []
        self._order = itertools.count()

    def watch(self, descriptor, events, source):
        """Calls ``source.on_ready`` whenever `descriptor` has one of `events`, an error or a hang-up."""
        self._poller.register(descriptor, events)
        self._sources[descriptor] = source
        self._fresh.add(descriptor)

    def change(self, descriptor, events):
        self._poller.modify(descriptor, events)

    def forget(self, descriptor):
        """Before `descriptor` is closed: a child may hold it for a moment longer, and it would stay registered."""
        del self._sources[descriptor]
        self._poller.unregister(descriptor)

    def call_later(self, seconds, function):
        """Calls ``function()`` once, `seconds` from now. There is no way back: it looks whether it is still wanted."""
        heapq.heappush(self._timers, (monotonic() + seconds, next(self._order), function))

    def turn(self):
        """Waits until something is to be done, and does it."""
        timers = self._timers
        timeout = max(0, timers[0][0] - monotonic()) if timers else -1
        sources, fresh = self._sources, self._fresh
        ready = self._poller.poll(timeout)
        fresh.clear()
        for descriptor, events in ready:
            source = sources.get(descriptor)
            if source is not None and descriptor not in fresh:
                source.on_ready(events)
        if timers:
            now = monotonic()
            while timers and timers[0][0] <= now:
                heapq.heappop(timers)[2]()


class _Poll:
    """select.poll as if it were select.epoll, where there is none."""

    def __init__(self):
        poll = select.poll()
        self.register, self.modify, self.unregister = poll.register, poll.modify, poll.unregister
        self._poll = poll.poll

    def poll(self, timeout):
        return self._poll(None if timeout < 0 else timeout * 1000)
