#!/bin/sh
# Ends, and leaves a child behind that has its output.
sleep 1000 &
printf 'Content-Type: text/plain\n\n%s\n' "$QUERY_STRING"
