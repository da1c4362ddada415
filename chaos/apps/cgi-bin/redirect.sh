#!/bin/sh
# Has another program answer.
printf 'Location: /answer.sh?%s\n\n' "$QUERY_STRING"
