#!/usr/bin/env python3
"""Both sides of a fork end in the normal way."""
import atexit
import os
import sys

atexit.register(lambda: print("handler in", name))
print("before", flush=True)
pid = os.fork()
name = "parent" if pid else "child"
if pid:
    print("child ended with", os.waitpid(pid, 0)[1] >> 8)
else:
    print("child")
    sys.exit("child's message")
