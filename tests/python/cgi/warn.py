#!/usr/bin/env python3
"""Warnings, whose place is looked for on the stack."""
import warnings

import beside


def warn(level):
    warnings.warn("level %d" % level, stacklevel=level)


def outer(level):
    warn(level)


for number in range(1, 6):
    outer(number)
    warnings.warn("from the top", UserWarning, number)
warnings.warn("deprecated", DeprecationWarning)  # noqa: B028
warnings.warn("deprecated at the top", DeprecationWarning, stacklevel=2)
exec("warnings.warn('in exec', stacklevel=2)")
open(beside.__file__)
