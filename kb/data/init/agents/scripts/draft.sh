#!/bin/sh
# Drafts a record from a trace, perhaps against a run that went well, and says what is still open.
set -eu
[ $# -ge 1 ] || { echo "usage: draft.sh TRACE [PASSING_RUN]" >&2; exit 2; }
trace=$1
shift
if [ $# -ge 1 ]; then
    draft=$(kb new --no-edit --from-run "$trace" --against "$1")
else
    draft=$(kb new --no-edit --from-run "$trace")
fi
echo "$draft"
kb check --as in-review "$draft" || true
