#!/usr/bin/env python3
"""Says that it runs, and waits for the file that the argument names."""
import os
import sys
import time

print("running", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
print("done")
