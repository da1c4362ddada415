#!/usr/bin/env python3
"""Objects with something to say when they go: in the script, in a cycle, and in a module beside it."""
import sys
import weakref

import beside


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone:", self.name, "NAMES" in globals() and NAMES, Noisy is None, sys is None)


class Importing:
    def __del__(self):
        try:
            import colorsys

            print("imported", colorsys)
        except ImportError:
            print("cannot import any more")


def generate():
    try:
        yield 1
    finally:
        print("generator closed")


NAMES = "names"
plain = Noisy("plain")
_private = Noisy("private")
cycle = Noisy("cycle")
cycle.itself = cycle
beside.thing = Noisy("beside")
beside.Loud.keep = beside.Loud("class")
late = Importing()
running = generate()
next(running)
weakref.finalize(plain, print, "finalized")
print("end of script")
