#!/bin/sh
# Never ends its answer.
printf 'Content-Type: text/plain\n\n%s\n' "$QUERY_STRING"
exec sleep 1000
