"""What the worker does on signals. Install before the application is imported, so that its own handlers win.

SIGINT: nothing; Ctrl-C reaches the whole terminal group and the gateway coordinates. SIGTERM: stop after the
requests that run. SIGUSR2: the soft interrupt. SIGABRT: the fault handler prints every thread's stack, and the
process dies.
"""

import faulthandler
import os
import signal

from .inbox import Stopped


def install(worker, inbox, wakeup, kept=()):
    """Call in the main thread. `wakeup` is written to whenever a signal comes (see control.py).

    `kept` are signals that the application handles already: it was imported before, in the zygote.
    """

    def stop(signum, frame):
        if not worker.serving:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        inbox.stopping = worker.stopping = worker.alert = True
        if inbox.waiting:
            inbox.waiting = False
            raise Stopped()

    def interrupt(signum, frame):
        if worker.main_slot is not None:
            worker.main_slot.on_signal()

    # A handler, not SIG_IGN: programs the application starts would inherit "ignored", but a handler becomes the
    # default.
    handlers = {signal.SIGINT: ignore, signal.SIGTERM: stop, signal.SIGUSR2: interrupt}
    for signum, handler in handlers.items():
        if signum not in kept:
            signal.signal(signum, handler)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    print_faults()


def print_faults():
    """Has the fault handler write to file descriptor 2, whatever sys.stderr is."""
    try:
        # If it is enabled, the application has done so, or the zygote.
        if not faulthandler.is_enabled():
            faulthandler.enable(2)
    except (AttributeError, OSError, RuntimeError, ValueError):
        pass  # no usable standard error


def ignore(signum, frame):
    """A handler."""
