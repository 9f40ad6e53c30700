import { isProtobuf } from '@keelson/api/codec/protobuf';
import { decodeStored, encodeStored } from '@keelson/api/codec/stored';
import { structType } from '@keelson/api/schema';
import { openStore } from '@keelson/storage/open';
import type { KeyValue } from '@keelson/storage/store';
import { expect, it } from 'vitest';
import { ProtobufStore } from './protobuf-store.ts';

const KEY = '/registry/configmaps/a/b';
const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'b', namespace: 'a' }, data: { x: 'ü' } };

it('keeps protobuf, gives back the same object, and brings its own writes back as they were', async () => {
  const inner = await openStore({ engine: 'memory' });
  const store = new ProtobufStore(inner, structType('io.k8s.api.core.v1.ConfigMap'));
  const seen: KeyValue[] = [];
  store.watch({
    prefix: '/registry/configmaps/',
    fromRevision: 1,
    onBatch: ({ events }) => {
      for (const event of events) if (event.type === 'put') seen.push(event.kv);
    },
    onError: () => {},
  });
  const json = encodeStored(object);
  const { revision } = await store.put(KEY, json, { expect: 0 });
  expect(isProtobuf((await inner.get(KEY)).kv!.value)).toBe(true);
  expect(seen[0]!.value).toBe(json);
  expect(decodeStored((await store.get(KEY)).kv!.value)).toEqual({ object, bytes: json });
  expect(await store.isStale(KEY, revision)).toBe(false);
  const asJson = await inner.put(KEY, json, { expect: revision });
  expect(await store.isStale(KEY, asJson.revision)).toBe(true);
  expect(await store.isStale(KEY, revision)).toBe(false);
  await inner.close();
});
