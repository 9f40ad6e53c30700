import { defineConfig } from 'vitest/config';

const conditions = ['keelson-source', 'node', 'import', 'module', 'default'];

/** End-to-end tests of what the API server does not do yet. E2E=1 runs them all the same. */
const waiting = ['test/e2e/kubectl/custom-resources.test.ts'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(process.env.E2E === undefined ? waiting : [])],
    testTimeout: 20_000,
    maxWorkers: 2,
  },
});
