#!/bin/sh
# Answers with the query, and does not read its input.
printf 'Content-Type: text/plain\n\n%s\n' "$QUERY_STRING"
