#!/usr/bin/env python3
"""Programs that write to our output, see our environment and read our input."""
import os
import subprocess
import sys

os.environ["ADDED"] = "yes"
del os.environ["PATH_INFO"]
print("first", flush=True)
subprocess.check_call(["/bin/sh", "-c", "echo $ADDED-$PATH_INFO-$QUERY_STRING; cat; echo err >&2"])
subprocess.check_call([sys.executable, "-c", "import os, sys; print(sys.path[0] == '', len(os.environ))"])
print(subprocess.check_output("ls /proc/self/fd | wc -l", shell=True))
os.system("echo system")
