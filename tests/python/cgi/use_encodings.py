#!/usr/bin/env python3
# -*- coding: latin-1 -*-
"""Characters that not every encoding has."""
import sys

print(ascii(sys.argv[1:]), sys.stdout.encoding)
sys.stderr.write("\u20ac \udce9\n")
print("\u00e9 \udce9")
print("\u20ac")
