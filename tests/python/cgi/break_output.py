#!/usr/bin/env python3
"""Makes standard output fail in the way that the argument names."""
import os
import sys

print("first", flush=True)
how = sys.argv[1]
if how == "full":
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
elif how == "closed":
    os.close(1)
elif how == "object":
    sys.stdout.close()
elif how == "none":
    sys.stdout = None
elif how == "errors":
    os.close(2)
    sys.stderr.write("nowhere")
elif how == "pipe":
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
if how not in ("object", "none"):
    print("second")
