#!/usr/bin/env python3
"""Raises what the first argument evaluates to, with sys.excepthook as the second one says."""
import atexit
import sys


def loud(kind, value, traceback):
    print("hook:", kind.__name__, value, traceback.tb_frame.f_code.co_name, sys.exc_info())


def failing(kind, value, traceback):
    raise LookupError("hook")


def exiting(kind, value, traceback):
    sys.exit(9)


@atexit.register
def last():
    names = ("last_exc", "last_type", "last_value", "last_traceback")
    print([type(getattr(sys, name, None)).__name__ for name in names])


if len(sys.argv) > 2:
    if sys.argv[2] == "none":
        del sys.excepthook
    else:
        sys.excepthook = globals()[sys.argv[2]]


class MyInterrupt(KeyboardInterrupt):
    pass


class MyExit(SystemExit):
    code = "mine"


raise eval(sys.argv[1])
