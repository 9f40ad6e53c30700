import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../store.ts';
import { compactionTests } from './compaction.ts';
import { concurrencyTests } from './concurrency.ts';
import type { StoreFixture } from './fixture.ts';
import { lifecycleTests } from './lifecycle.ts';
import { readTests } from './reads.ts';
import { watchTests } from './watches.ts';
import { writeTests } from './writes.ts';

/** What each test gets. Revisions are those of a store that others may have written to before. */
export interface TestContext {
  store: Store;
  fixture: StoreFixture;
  /** Ends in a slash; nothing is below it when the test starts. */
  prefix: string;
}

/**
 * Registers the tests that every engine must pass. They say what the `Store` interface means wherever its
 * words leave a choice; etcd's answers decide.
 *
 * @param makeStore called before each test; the store need not be new, but nobody else may write to it
 */
export function storeConformance(name: string, makeStore: () => Promise<StoreFixture>): void {
  describe(`${name}: Store`, () => {
    const context = {} as TestContext;
    let tests = 0;

    beforeEach(async () => {
      context.fixture = await makeStore();
      context.store = context.fixture.store;
      context.prefix = `/registry/conformance-${++tests}/`;
    });
    afterEach(() => context.fixture.dispose());

    describe('writes', () => writeTests(context));
    describe('reads', () => readTests(context));
    describe('watches', () => watchTests(context));
    describe('compaction', () => compactionTests(context));
    describe('concurrency', () => concurrencyTests(context));
    describe('lifecycle', () => lifecycleTests(context));
  });
}
