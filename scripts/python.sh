#!/bin/sh
# Python with Debian's packages from .tools/root; the interpreter is the machine's own where Debian's is installed.
tools=$(cd "$(dirname "$0")/../.tools/root" && pwd) || exit 1
export PYTHONPATH="$tools/usr/lib/python3/dist-packages"
for python in "$tools"/usr/bin/python3.*[0-9]; do
  if [ -x "$python" ]; then PYTHONHOME="$tools/usr" exec "$python" "$@"; fi
done
exec /usr/bin/python3 "$@"
