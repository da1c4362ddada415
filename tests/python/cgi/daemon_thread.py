#!/usr/bin/env python3
"""A daemon thread that uses the script's names while the interpreter ends."""
import threading
import time

counter = 0


def work():
    global counter
    while True:
        counter += 1
        time.sleep(0)


class Slow:
    def __del__(self):
        time.sleep(0.02)


slow = Slow()
threading.Thread(target=work, daemon=True).start()
print("end of script")
