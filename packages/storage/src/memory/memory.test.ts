import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import { storeConformance } from '../conformance/suite.ts';
import { openMemoryStore } from './open.ts';

storeConformance('memory', async () => {
  const clock = new ManualClock(1_800_000_000_000);
  const store = openMemoryStore({ clock });
  return {
    store,
    sleep: async (seconds) => clock.advance(seconds * 1000),
    dispose: () => store.close(),
  };
});

it('starts at revision 1, as etcd does', async () => {
  const store = openMemoryStore();
  expect(await store.currentRevision()).toBe(1);
  expect(await store.compactedRevision()).toBe(0);
  expect(await store.put('a', new Uint8Array(1), { expect: 0 })).toEqual({ ok: true, revision: 2 });
  await store.close();
});
