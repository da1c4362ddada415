#!/usr/bin/env python3
"""Exits with what the first argument evaluates to."""
import sys

print("out")
print("err", file=sys.stderr)
sys.exit(eval(sys.argv[1]))
