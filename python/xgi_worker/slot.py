"""One place to run a request: a thread, and what the control thread may do to the request in it.

Owns the interrupt, the only thing here that is delicate. `running` holds the stream id while a RequestTimeout may
be raised at any bytecode, that is while the application's code runs; everywhere else it is 0. The slot's thread
calls

    enter(stream)   before the application's code            leave()    when it is done with the request
    pause()         before our own code inside a request     resume()   after it

An interrupt that comes while `running` is 0 waits in `interrupt`: `resume` raises it if it is still the same
request, and after `leave` it is forgotten, because the next request has another id. So it hits neither
the next request nor a half-written frame.

`MainSlot` is interrupted by a signal, which also ends a blocking system call such as sleep. `ThreadSlot` is
interrupted by an asynchronous exception, which cannot; then the gateway's SIGABRT follows.
"""

import signal
import threading

from .timeout import RequestTimeout


class MainSlot:
    """The slot of a worker with one thread: requests run in the main thread. Made in that thread."""

    threaded = False

    def __init__(self, worker, index):
        self.worker = worker
        self.index = index
        self.ident = threading.get_ident()
        self.stream = 0
        """The request that holds this slot; 0 when it is over."""
        self.running = 0
        self.interrupt = 0
        self.aborted = 0
        self.credited = None
        """The `stream.Stream` of an answer that does not fit one frame; None for the others."""
        self.clock = 0
        """When the request took the slot, in nanoseconds of perf_counter_ns."""

    def enter(self, stream):
        self.running = stream
        if self.interrupt == stream:
            self.time_out()

    def leave(self):
        self.running = 0

    def settle(self):
        """Leaves after an exception, for certain."""
        self.running = 0

    def pause(self):
        self.leave()

    def resume(self):
        self.enter(self.stream)

    def time_out(self):
        """Raises RequestTimeout, once for each INTERRUPT."""
        self.running = 0
        self.interrupt = 0
        raise RequestTimeout("request past its deadline")

    def request_interrupt(self, stream):
        """Called by the control thread, which holds the worker's lock."""
        self.interrupt = stream
        signal.pthread_kill(self.ident, signal.SIGUSR2)

    def on_signal(self):
        """Called by the SIGUSR2 handler, in the main thread between two bytecodes."""
        if self.interrupt and self.running == self.interrupt:
            self.time_out()


class ThreadSlot(MainSlot):
    """The slot of one of several threads. Made in that thread."""

    threaded = True

    def __init__(self, worker, index):
        super().__init__(worker, index)
        self._raised = False

    def enter(self, stream):
        with self.worker.lock:
            self.running = stream
        if self.interrupt == stream:
            self.time_out()

    def leave(self):
        """May itself raise RequestTimeout, which then was on its way already; call `settle` after any exception."""
        with self.worker.lock:
            self.running = 0
            if self._raised:
                self._raised = False
                _set_async_exception(self.ident, None)

    def time_out(self):
        self.settle()
        self.interrupt = 0
        raise RequestTimeout("request past its deadline")

    def settle(self):
        """Leaves for certain: when it returns, no interrupt is on its way to this thread."""
        while True:
            try:
                self.leave()
                return
            except RequestTimeout:
                continue

    def request_interrupt(self, stream):
        self.interrupt = stream
        if self.running == stream and _set_async_exception(self.ident, RequestTimeout):
            self.interrupt = 0
            self._raised = True

    def on_signal(self):
        """The signal is for the main thread, which runs no request here."""


def _set_async_exception(ident, exception):
    """Has `exception` raised in the thread `ident` at its next bytecode, or takes that back (None); False if it
    cannot."""
    try:
        import ctypes

        set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
    except (ImportError, AttributeError):
        return False
    value = None if exception is None else ctypes.py_object(exception)
    return set_async_exc(ctypes.c_ulong(ident), value) == 1
