#!/bin/sh
# Formats a record and says what is wrong with it; a draft is held to what review asks for.
set -eu
[ $# -eq 1 ] || { echo "usage: check.sh RECORD" >&2; exit 2; }
kb fmt "$1"
kb check "$1"
echo "-- what review would ask for:"
kb check --as in-review "$1" || true
