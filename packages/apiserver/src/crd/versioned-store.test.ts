import { encodeStored, parseStored } from '@keelson/api/codec/stored';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { KubeObject } from '@keelson/api/object';
import { openMemoryStore } from '@keelson/storage/memory/open';
import type { Store, WatchBatch } from '@keelson/storage/store';
import { describe, expect, it } from 'vitest';
import { type Conversion, RENAMING } from './conversion.ts';
import { customSchema } from './schema/index.ts';
import { VersionedStore } from './versioned-store.ts';

const KEY = '/registry/example.com/widgets/ns/a';
const object = (version: string, spec: object): KubeObject => ({
  kind: 'Widget',
  apiVersion: `example.com/${version}`,
  metadata: { name: 'a', generation: 1 },
  spec,
});
const schemaOf = (version: string, properties: Record<string, JSONSchemaProps>) =>
  customSchema(
    { type: 'object', properties: { spec: { type: 'object', properties } } },
    { kind: { group: 'example.com', version, kind: 'Widget' }, namespaced: true },
  );
const schemas = new Map([
  ['v1', schemaOf('v1', { a: { type: 'string' }, size: { type: 'string', default: 'M' } })],
  ['v2', schemaOf('v2', { a: { type: 'string' }, b: { type: 'string' }, size: { type: 'string' } })],
]);
const view = (inner: Store, own: string, conversion: Conversion = RENAMING) =>
  new VersionedStore(inner, { group: 'example.com', own, storage: 'v1', schemas, conversion });
const read = (value: Uint8Array) => parseStored(Buffer.from(value));
const stored = async (store: Store) => read((await store.get(KEY)).kv!.value);

describe('versions that differ in their name', () => {
  it('what one writes lies there in the storage version, without what that does not know', async () => {
    const inner = openMemoryStore();
    const written = await view(inner, 'v2').put(KEY, encodeStored(object('v2', { a: 'x', b: 'y' })), { expect: 0 });
    expect(written.ok && read(written.value!)).toEqual(object('v2', { a: 'x', size: 'M' }));
    expect(await stored(inner)).toEqual(object('v1', { a: 'x' }));
    expect(await stored(view(inner, 'v2'))).toEqual(object('v2', { a: 'x', size: 'M' }));
  });

  it('what a definition once allowed is pruned and defaulted where it is read', async () => {
    const inner = openMemoryStore();
    await inner.put(KEY, encodeStored(object('v1', { a: 'x', old: 1 })), { expect: 0 });
    const { kvs } = await view(inner, 'v1').list({ prefix: '/registry/example.com/widgets/' });
    expect(kvs.map(({ value }) => read(value))).toEqual([object('v1', { a: 'x', size: 'M' })]);
  });

  it('metadata that is older than its checks is mended', async () => {
    const inner = openMemoryStore();
    const given = {
      ...object('v1', { size: 'S' }),
      metadata: { name: 'a', labels: { a: 'x y' }, annotations: { b: 1 }, color: 1 },
    };
    await inner.put(KEY, Buffer.from(JSON.stringify(given)), { expect: 0 });
    const mended = { ...object('v1', { size: 'S' }), metadata: { name: 'a', generation: 1, labels: { a: 'x y' } } };
    expect(await stored(view(inner, 'v1'))).toEqual(mended);
  });

  it('what lies there in another than the storage version is to be written again', async () => {
    const inner = openMemoryStore();
    const stale = async (own: string, revision: number) => view(inner, own).isStale(KEY, revision);
    const first = await inner.put(KEY, encodeStored(object('v2', { a: 'x' })), { expect: 0 });
    const before = first.ok ? first.revision : 0;
    for (const own of ['v1', 'v2']) expect(await stale(own, before)).toBe(true);
    const second = await inner.put(KEY, encodeStored(object('v1', { a: 'x' })), { expect: before });
    for (const own of ['v1', 'v2']) expect(await stale(own, second.ok ? second.revision : 0)).toBe(false);
    expect(await stale('v1', before)).toBe(false);
  });

  it('who loses a race is shown what is there in the version asked for', async () => {
    const inner = openMemoryStore();
    await inner.put(KEY, encodeStored(object('v1', { a: 'x' })), { expect: 0 });
    const result = await view(inner, 'v2').put(KEY, encodeStored(object('v2', {})), { expect: 0 });
    expect(result.ok).toBe(false);
    expect(!result.ok && read(result.current!.value).apiVersion).toBe('example.com/v2');
  });
});

describe('versions that a webhook converts', () => {
  const slow: Conversion = {
    async convert(objects, apiVersion) {
      await new Promise((resolve) => setTimeout(resolve, objects.length === 2 ? 20 : 1));
      return objects.map((each) => ({ ...each, apiVersion, spec: { ...(each.spec as object), b: 'converted' } }));
    },
  };

  it('tells a watch in order, however long a batch takes', async () => {
    const inner = openMemoryStore();
    const batches: WatchBatch[] = [];
    const watch = view(inner, 'v2', slow).watch({
      prefix: '/registry/example.com/widgets/',
      fromRevision: 1,
      onBatch: (batch) => batches.push(batch),
      onError: (error) => expect.fail(String(error)),
    });
    let revision = 0;
    for (let i = 0; i < 5; i++) {
      const written = await inner.put(KEY, encodeStored(object('v1', { a: String(i) })), { expect: revision });
      revision = written.revision;
    }
    await expect.poll(() => batches.flatMap(({ events }) => events).length).toBe(5);
    watch.close();
    const seen = batches.flatMap(({ events }) => events.map((event) => event.type === 'put' && read(event.kv.value)));
    expect(seen).toEqual([0, 1, 2, 3, 4].map((i) => object('v2', { a: String(i), size: 'M', b: 'converted' })));
  });

  it('ends a watch when the webhook fails', async () => {
    const inner = openMemoryStore();
    const failing: Conversion = { convert: () => Promise.reject(new Error('no webhook')) };
    const error = new Promise<Error>((resolve) => {
      view(inner, 'v2', failing).watch({
        prefix: '/registry/example.com/widgets/',
        fromRevision: 1,
        onBatch: () => {},
        onError: resolve,
      });
    });
    await inner.put(KEY, encodeStored(object('v1', {})), { expect: 0 });
    expect((await error).message).toBe('no webhook');
  });
});
