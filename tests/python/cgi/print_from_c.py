#!/usr/bin/env python3
"""Leaves something in the buffers of the C library."""
import ctypes

ctypes.CDLL(None).printf(b"from C\n")
