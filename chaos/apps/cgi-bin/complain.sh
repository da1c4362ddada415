#!/bin/sh
# Has much to complain about, and no answer.
yes "$QUERY_STRING" | head -c 200000 >&2
exit 3
