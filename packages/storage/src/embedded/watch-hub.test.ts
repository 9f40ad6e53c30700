import { expect, it } from 'vitest';
import { openMemoryStore } from '../memory/open.ts';

it('is confirmed when all that was before has been told, however much it is', async () => {
  const store = openMemoryStore();
  for (let i = 0; i < 2_500; i++) await store.put(`/registry/things/${i}`, Buffer.from('x'), { expect: 0 });
  let told = 0;
  const watch = store.watch({
    prefix: '/registry/things/',
    fromRevision: 1,
    onBatch: ({ events }) => {
      told += events.length;
    },
    onError: () => {},
  });
  await watch.confirmed;
  expect(told).toBe(2_500);
  await store.close();
});

it('is confirmed where it is over before it has begun', async () => {
  const store = openMemoryStore();
  const watch = store.watch({ prefix: '/', fromRevision: 1, onBatch: () => {}, onError: () => {} });
  watch.close();
  await expect(watch.confirmed).resolves.toBeUndefined();
  await store.close();
});
