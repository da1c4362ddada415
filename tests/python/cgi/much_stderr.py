#!/usr/bin/env python3
"""Writes numbered lines, as many bytes as the argument says at most."""
import sys

for number in range(int(sys.argv[1]) // 9):
    sys.stderr.write("%08d\n" % number)
