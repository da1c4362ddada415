"""What may happen to a request before its answer is made, by path. Durations are `ms` of the query."""

import ctypes
import os
import resource
import signal
import sys
import time

leaked = []


def quick(query):
    pass


def busy(query):
    """Keeps the processor at work."""
    end = time.monotonic() + int(query["ms"]) / 1000
    while time.monotonic() < end:
        pass


def wait(query):
    """One sleep, as of an application that waits for another server."""
    time.sleep(int(query["ms"]) / 1000)


def leak(query):
    leaked.append(bytearray(os.urandom(4096)) * (int(query["kib"]) // 4))


def segfault(query):
    print("about to read address 0", file=sys.stderr, flush=True)
    ctypes.string_at(0)


def leave(query):
    print("about to leave with status 3", file=sys.stderr, flush=True)
    os._exit(3)


def kill(query):
    print("about to be killed", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def memory(query):
    """Asks for more memory than there is: MemoryError, which an application may survive."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**30, limits[1]))
    try:
        bytearray(2**31)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


BEHAVIOURS = {
    "/quick": quick,
    "/busy": busy,
    "/wait": wait,
    "/leak": leak,
    "/segfault": segfault,
    "/leave": leave,
    "/kill": kill,
    "/memory": memory,
}
