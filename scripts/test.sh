#!/bin/sh
# npm test: everything that CI checks. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
sh scripts/tools.sh
npm run --silent lint
npm run --silent typecheck
npm run --silent check-generated
# Before the tests, beside which its figures would say little.
npm run --silent bench:ci
node_modules/.bin/vitest run "$@"
