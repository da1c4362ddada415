#!/usr/bin/env python3
"""Leaves its process group with a child in it, and ignores SIGTERM."""
import os
import signal
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    os.setpgid(0, os.getpgid(os.getppid()))
    print("ready", flush=True)
while True:
    time.sleep(1)
