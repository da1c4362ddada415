#!/bin/sh
# Takes its time, with a child.
sleep 0.2
printf 'Content-Type: text/plain\n\n%s\n' "$QUERY_STRING"
