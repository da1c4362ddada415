#!/bin/sh
# What it says is no head.
echo "$QUERY_STRING"
