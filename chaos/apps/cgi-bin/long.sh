#!/bin/sh
# Answers with the query, and a megabyte.
printf 'Content-Type: application/octet-stream\n\n%s\n' "$QUERY_STRING"
exec head -c 1000000 /dev/zero
