#!/usr/bin/env python3
"""Traces what is called until the very end."""
import atexit
import sys


def trace(frame, event, argument):
    # The frame below the script is a difference that is known.
    if "_bootstrap" not in frame.f_code.co_filename and not event.startswith("c_"):
        sys.stdout.write("%s %s %s\n" % (event, frame.f_code.co_name, frame.f_code.co_filename.rpartition("/")[2]))


@atexit.register
def last():
    pass


sys.setprofile(trace)
last()
