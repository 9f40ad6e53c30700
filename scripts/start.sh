#!/bin/sh
# npm start: `keelson up` from a fresh clone, with the arguments behind `--`.
set -eu
sh "$(dirname "$0")/setup.sh" >&2
exec "$(dirname "$0")/../bin/keelson" up "$@"
