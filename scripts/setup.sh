#!/bin/sh
# Makes a clone ready to run: installs the dependencies where they are missing or older than the lock file, and builds.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci # its "prepare" builds
else
  npm run --silent build
fi
