#!/usr/bin/env python3
"""Leaves files open, with something unflushed, in all kinds of places. The argument is their folder."""
import builtins
import copyreg
import json
import os
import signal
import sys

import beside


def create(name):
    file = open(os.path.join(sys.argv[1], name), "w")
    file.write("content of %s\n" % name)
    return file


class Holder:
    pass


def keep(file):
    return lambda *arguments: file


plain = create("plain")
binary = open(os.path.join(sys.argv[1], "binary"), "wb")
binary.write(b"binary")
cycle = Holder()
cycle.itself, cycle.file = cycle, create("cycle")
beside.file = create("beside")
builtins.log = create("builtins")
json.file = create("json")
sys.file = create("sys")
copyreg.pickle(Holder, keep(create("copyreg")))
signal.signal(signal.SIGUSR1, keep(create("signal")))
sys.stdout = create("stdout")
print("printed")
