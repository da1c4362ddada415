#!/usr/bin/env python3
"""Exit handlers, one of which fails, and threads that go on after the end of the script."""
import atexit
import threading
import time


def work(name, seconds):
    time.sleep(seconds)
    print("thread", name)


def handler(name):
    print("handler", name)


def failing():
    raise ValueError("in a handler")


def exiting():
    raise SystemExit(7)


atexit.register(handler, "first")
atexit.register(failing)
atexit.register(exiting)
atexit.register(handler, "last")
threading.Thread(target=work, args=("plain", 0.05)).start()
print("end of script")
