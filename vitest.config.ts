import { defineConfig } from 'vitest/config';

const conditions = ['keelson-source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    // Until the API server is complete: E2E=1 runs them.
    exclude: process.env.E2E === undefined ? ['**/node_modules/**', 'test/e2e/**'] : ['**/node_modules/**'],
    testTimeout: 20_000,
    maxWorkers: 2,
  },
});
