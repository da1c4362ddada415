#!/usr/bin/env python3
"""Fails three calls deep, with a cause and a context."""
import sys


class Odd(Exception):
    def __str__(self):
        return "odd \u00e9"


def deep():
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("cause") from error


def deeper():
    try:
        deep()
    except ValueError:
        raise Odd() from None if len(sys.argv) > 1 else Odd()


print("before")
deeper()
