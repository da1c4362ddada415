#!/usr/bin/env python3
"""Answers with the query."""
import os

print("Content-Type: text/plain\n\n" + os.environ["QUERY_STRING"])
