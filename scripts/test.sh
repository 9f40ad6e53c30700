#!/bin/sh
# npm test: everything that CI checks. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
sh scripts/tools.sh
npm run --silent lint
npm run --silent typecheck
npm run --silent check-generated
node_modules/.bin/vitest run "$@"
