#!/usr/bin/env python3
"""Handlers, an alarm, and children of its own."""
import os
import signal
import sys

signal.signal(signal.SIGUSR1, lambda number, frame: print("handled", number, frame.f_code.co_name))
os.kill(os.getpid(), signal.SIGUSR1)
signal.signal(signal.SIGCHLD, lambda number, frame: print("child ended"))
pid = os.fork()
if not pid:
    os._exit(3)
print(os.waitpid(pid, 0)[1])
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
signal.signal(signal.SIGALRM, lambda number, frame: sys.exit("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
while True:
    signal.pause()
