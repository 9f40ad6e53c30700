import { openMemoryStore } from '@keelson/storage/memory/open';
import { expect, it } from 'vitest';
import { eventsFromHistory } from './history.ts';
import type { ResourceStore } from './store.ts';

it.each([
  [3, 1 << 20, 3],
  [40, 1 << 20, undefined],
])('replays %i changes of %i bytes each: %s of them', async (count, size, expected) => {
  const store = openMemoryStore();
  for (let i = 0; i < count; i++) {
    await store.put(`/registry/things/${i}`, Buffer.alloc(size), { expect: 0 });
  }
  const oldestRevision = await store.currentRevision();
  const resource = {
    environment: { store },
    definition: { prefix: '/registry/things' },
    codec: {
      cached: ({ value, modRevision: revision }: { value: Buffer; modRevision: number }) => ({
        bytes: value,
        revision,
      }),
    },
    cacher: { oldestRevision },
  } as unknown as ResourceStore;
  const history = await eventsFromHistory(resource, 1);
  expect(history?.events.length).toBe(expected);
  await store.close();
});
