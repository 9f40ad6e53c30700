#!/bin/sh
# Makes a clone ready to run: installs the dependencies where they are missing or older than the lock file, and builds.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'Installing and building, which takes about half a minute the first time…'
  # Its "prepare" builds. What npm warns of is the machine's Node.js, which is not the one that runs this.
  npm ci --loglevel=error
else
  npm run --silent build
fi
