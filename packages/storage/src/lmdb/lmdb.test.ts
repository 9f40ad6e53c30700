import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import { storeConformance } from '../conformance/suite.ts';
import type { Store } from '../store.ts';
import { openLmdbStore } from './open.ts';

const makeDirectory = () => mkdtemp(join(tmpdir(), 'keelson-lmdb-'));

storeConformance('lmdb', async () => {
  const directory = await makeDirectory();
  const clock = new ManualClock(1_800_000_000_000);
  let store: Store = await openLmdbStore({ directory, clock });
  return {
    store,
    sleep: async (seconds) => clock.advance(seconds * 1000),
    reopen: async () => {
      await store.close();
      store = await openLmdbStore({ directory, clock });
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

it('starts at revision 1, as etcd does', async () => {
  const directory = await makeDirectory();
  const store = await openLmdbStore({ directory });
  expect(await store.currentRevision()).toBe(1);
  expect(await store.compactedRevision()).toBe(0);
  await store.close();
  const again = await openLmdbStore({ directory });
  expect(await again.currentRevision()).toBe(1);
  await again.close();
  await rm(directory, { recursive: true });
});
