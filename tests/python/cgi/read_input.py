#!/usr/bin/env python3
"""Standard input in all its ways."""
import os
import sys

print(repr(sys.stdin.readline()), sys.stdin.newlines)
print(sys.stdin.buffer.read(10))
print(sys.stdin.seekable() and sys.stdin.buffer.seek(0, 2))
print(repr(sys.stdin.read()[-20:]))
print(os.path.exists("/dev/stdin"), len(open("/dev/stdin", "rb").read(5)))
try:
    input()
except EOFError as error:
    print(repr(error))
