#!/usr/bin/env python3
"""Answers with the query, and with length and checksum of the body."""
import os
import sys
import zlib

body = sys.stdin.buffer.read()
print("Content-Type: text/plain\n\n%s %d %08x" % (os.environ["QUERY_STRING"], len(body), zlib.crc32(body)))
