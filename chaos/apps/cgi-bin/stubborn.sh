#!/bin/sh
# Never answers, and does not heed SIGTERM; nor do its children.
trap '' TERM
sleep 1000 &
wait
sleep 1000
