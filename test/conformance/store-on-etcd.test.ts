import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, type Store } from '@keelson/storage';
import { storeConformance } from '@keelson/storage/conformance/suite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { missing } from '../support/tools.ts';

const reason = missing('etcd');

describe.skipIf(reason !== undefined)(`on a real etcd${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let etcd: Etcd;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.stop());
  const open = (prefix?: string) => openStore({ engine: 'etcd', endpoints: [etcd.url], ...(prefix ? { prefix } : {}) });

  it('starts at revision 1', async () => {
    const store = await open();
    expect(await store.currentRevision()).toBe(1);
    expect(await store.compactedRevision()).toBe(0);
    await store.close();
  });

  for (const prefix of ['/registry', 'elsewhere/deep']) {
    storeConformance(`etcd at ${prefix}`, async () => {
      let store: Store = await open(prefix);
      return {
        store,
        sleep: (seconds) => sleep(seconds * 500),
        reopen: async () => {
          await store.close();
          store = await open(prefix);
          return store;
        },
        dispose: () => store.close(),
      };
    });
  }

  it('keeps keys where upstream does, below its prefix', async () => {
    const plain = await open();
    const elsewhere = await open('/elsewhere/');
    await elsewhere.put('/registry/pods/ns/name', new Uint8Array(1), { expect: 0 });
    await elsewhere.put('compact_rev_key', new Uint8Array(2), { expect: 0 });
    expect((await plain.get('/elsewhere/pods/ns/name')).kv?.value.length).toBe(1);
    expect((await plain.get('/registry/pods/ns/name')).kv).toBeUndefined();
    expect((await plain.get('compact_rev_key')).kv?.value.length).toBe(2);
    const { kvs } = await elsewhere.list({ prefix: '/registry/pods/' });
    expect(kvs.map(({ key }) => key)).toEqual(['/registry/pods/ns/name']);
    await Promise.all([plain.close(), elsewhere.close()]);
  });

  it('lists more bytes than one message may have', async () => {
    const store = await openStore({ engine: 'etcd', endpoints: [etcd.url], maxMessageBytes: 1 << 20 });
    const value = new Uint8Array(100_000);
    const key = (i: number) => `/registry/large/${String(i).padStart(3, '0')}`;
    for (let i = 0; i < 30; i++) await store.put(key(i), value, { expect: 0 });
    const { kvs, count } = await store.list({ prefix: '/registry/large/' });
    expect(kvs.map((kv) => kv.key)).toEqual(Array.from({ length: 30 }, (_, i) => key(i)));
    expect(count).toBe(30);
    await store.close();
  });
});
