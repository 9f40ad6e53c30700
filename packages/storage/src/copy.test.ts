import { expect, it } from 'vitest';
import { copyStore, NotEmptyError } from './copy.ts';
import { openMemoryStore } from './memory/open.ts';

const bytes = (text: string) => Buffer.from(text);

it('copies what is current, over many pages, without what is short-lived', async () => {
  const [from, to] = [openMemoryStore({}), openMemoryStore({})];
  for (let i = 0; i < 1_100; i++) await from.put(`/registry/configmaps/default/c-${i}`, bytes(`${i}`), { expect: 0 });
  const gone = await from.put('/registry/pods/default/gone', bytes('x'), { expect: 0 });
  await from.delete('/registry/pods/default/gone', { expect: gone.revision });
  await from.put('/registry/events/default/e', bytes('x'), { expect: 0, ttlSeconds: 3600 });
  await from.put('/registry/masterleases/10.0.0.1', bytes('x'), { expect: 0, ttlSeconds: 15 });
  expect(await copyStore(from, to)).toBe(1_100);
  const { kvs, count } = await to.list({ prefix: '/registry/' });
  expect(count).toBe(1_100);
  expect(Object.fromEntries(kvs.map(({ key, value }) => [key, Buffer.from(value).toString()]))).toEqual(
    Object.fromEntries(Array.from({ length: 1_100 }, (_, i) => [`/registry/configmaps/default/c-${i}`, `${i}`])),
  );
  await Promise.all([from.close(), to.close()]);
});

it('leaves a store alone that has something in it', async () => {
  const [from, to] = [openMemoryStore({}), openMemoryStore({})];
  await from.put('/registry/pods/default/a', bytes('x'), { expect: 0 });
  await to.put('/registry/pods/default/b', bytes('x'), { expect: 0 });
  await expect(copyStore(from, to)).rejects.toThrow(NotEmptyError);
  expect((await to.get('/registry/pods/default/a')).kv).toBeUndefined();
  await Promise.all([from.close(), to.close()]);
});
