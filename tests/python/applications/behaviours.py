"""An application whose requests take their time, each in one way. The tests tell it when to go on through files."""

import os
import threading
import time

TEXT = [("Content-Type", "text/plain")]


def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    return globals()[name](environ, start_response)


def quick(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"quick"]


def ident(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"%d %d" % (threading.get_ident(), environ["wsgi.multithread"])]


def wait_for_file(environ, start_response):
    """Sleeps until the file that the query names is there."""
    while not os.path.exists(environ["QUERY_STRING"]):
        time.sleep(0.002)
    return quick(environ, start_response)


def burn_until_file(environ, start_response):
    """The same without a sleep."""
    while not os.path.exists(environ["QUERY_STRING"]):
        for _ in range(1000):
            pass
    return quick(environ, start_response)


def sleep(environ, start_response):
    time.sleep(600)
    return quick(environ, start_response)


def loop(environ, start_response):
    while True:
        pass


def sleep_and_swallow(environ, start_response):
    try:
        time.sleep(600)
    except Exception:
        pass
    return quick(environ, start_response)


class Endless:
    """A body without end; its close() makes the file of the query."""

    def __init__(self, environ):
        self.closed_file = environ["QUERY_STRING"]

    def __iter__(self):
        while True:
            yield b"x" * 10000

    def close(self):
        with open(self.closed_file, "a") as file:
            file.write("closed\n")


def endless(environ, start_response):
    start_response("200 OK", TEXT)
    return Endless(environ)


def endless_write(environ, start_response):
    write = start_response("200 OK", TEXT)
    try:
        while True:
            write(b"x" * 10000)
    except OSError as error:
        with open(environ["QUERY_STRING"], "a") as file:
            file.write(type(error).__name__)
        raise


class SlowClose:
    """A body whose close() waits for the file of the query."""

    def __init__(self, environ):
        self.environ = environ
        self.blocks = [b"body"]

    def __iter__(self):
        return iter(self.blocks)

    def close(self):
        while not os.path.exists(self.environ["QUERY_STRING"]):
            time.sleep(0.002)


def slow_close(environ, start_response):
    start_response("200 OK", TEXT)
    return SlowClose(environ)


def fork(environ, start_response):
    """The child writes to wsgi.errors, which must not reach the channel of its parent."""
    child = os.fork()
    if child == 0:
        environ["wsgi.errors"].write("from the child\n")
        os._exit(7)
    status = os.waitpid(child, 0)[1]
    start_response("200 OK", TEXT)
    return [b"%d" % (status >> 8)]


def modules(environ, start_response):
    """Which names of the worker's modules an application could import by accident."""
    import importlib.util
    import sys

    names = [
        name
        for name in ("frames", "loader", "serve", "slot", "outbox", "inbox")
        if importlib.util.find_spec(name)
    ]
    start_response("200 OK", TEXT)
    return [repr((names, [entry for entry in sys.path if "xgi_worker" in entry], sys.stdin.read())).encode()]


def timeout_class(environ, start_response):
    import xgi_worker

    start_response("200 OK", TEXT)
    return [repr(xgi_worker.RequestTimeout.__mro__[1]).encode()]
