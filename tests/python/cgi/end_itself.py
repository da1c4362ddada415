#!/usr/bin/env python3
"""Ends in the way that the argument names, with something unflushed."""
import os
import signal
import sys

print("unflushed")
if sys.argv[1] == "_exit":
    os._exit(5)
elif sys.argv[1] == "exec":
    os.execv("/bin/sh", ["sh", "-c", "echo replaced; exit 4"])
elif sys.argv[1] == "abort":
    os.abort()
else:
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
