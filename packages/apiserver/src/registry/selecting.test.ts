import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import type { KeyValue, Store } from '@keelson/storage/store';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Interest } from './audience.ts';
import type { CachedObject } from './cached-objects.ts';
import { Cacher } from './cacher.ts';
import type { Demand } from './valueindex.ts';

/** Values are `label=value,…;field=value,…`. */
const decode = ({ key, value, modRevision }: KeyValue): CachedObject => {
  const [, , , namespace = '', name = ''] = key.split('/');
  const pairs = (text = '') => Object.fromEntries(text.split(',').map((pair) => pair.split('=') as [string, string]));
  const [labels, fields] = Buffer.from(value).toString().split(';');
  return {
    ...{ key, namespace, name, revision: modRevision, bytes: Buffer.from(value) },
    labels: pairs(labels),
    fields: { 'metadata.name': name, ...pairs(fields) },
  };
};

let store: Store;
let cacher: Cacher;

beforeEach(async () => {
  store = openMemoryStore();
  cacher = new Cacher({ store, prefix: '/registry/things', decode, now: () => new Date(0), logger: silentLogger });
  await put('a/1', 'app=web;node=x');
  await put('a/2', 'app=web,tier=front;node=y');
  await put('b/3', 'app=db;');
  await cacher.ready();
});

async function put(name: string, value: string): Promise<void> {
  const key = `/registry/things/${name}`;
  const { kv } = await store.get(key);
  await store.put(key, Buffer.from(value), { expect: kv?.modRevision ?? 0 });
}

async function remove(name: string): Promise<void> {
  const key = `/registry/things/${name}`;
  const { kv } = await store.get(key);
  await store.delete(key, { expect: kv!.modRevision });
}

const label = (key: string, value: string): Demand => ({ of: 'labels', key, value });
const field = (key: string, value: string): Demand => ({ of: 'fields', key, value });

describe('candidates of a list', () => {
  const found = (demands: readonly Demand[], namespace = '', from?: string) =>
    cacher.listMatching(demands, namespace, from).map(({ namespace: ns, name }) => `${ns}/${name}`);

  it.each<[string, Demand[], string, string[]]>([
    ['nothing demanded', [], '', ['a/1', 'a/2', 'b/3']],
    ['a label', [label('app', 'web')], '', ['a/1', 'a/2']],
    ['a label in a namespace', [label('app', 'web')], 'b', []],
    ['a label that nobody has', [label('app', 'none')], '', []],
    ['a label whose name is inherited by every object', [label('constructor', '')], '', []],
    ['a field', [field('node', 'y')], '', ['a/2']],
    ['a field that is empty is one that is not there', [field('node', '')], '', ['b/3']],
    ['the rarest of several', [label('app', 'web'), label('tier', 'front')], '', ['a/2']],
    ['a name, which has no index', [field('metadata.name', '1')], '', ['a/1', 'a/2', 'b/3']],
  ])('%s', (_, demands, namespace, names) => expect(found(demands, namespace)).toEqual(names));

  it('follow what changes, and begin where they are asked to', async () => {
    expect(found([label('app', 'web')])).toEqual(['a/1', 'a/2']);
    await put('b/3', 'app=web;');
    await put('a/1', 'app=db;');
    await put('b/0', 'app=web;');
    expect(found([label('app', 'web')])).toEqual(['a/2', 'b/0', 'b/3']);
    expect(found([label('app', 'web')], '', '/registry/things/b/0\0')).toEqual(['b/3']);
    await remove('b/3');
    expect(found([label('app', 'web')])).toEqual(['a/2', 'b/0']);
  });

  it('stay right when more labels are asked for than have an index', async () => {
    for (let i = 0; i < 20; i++) expect(found([label(`other-${i}`, 'x')])).toEqual([]);
    await put('b/3', 'app=web,other-0=x;');
    expect(found([label('other-0', 'x')])).toEqual(['b/3']);
    expect(found([label('app', 'web')])).toEqual(['a/1', 'a/2', 'b/3']);
  });
});

describe('who is told of an event', () => {
  const listen = (interest?: Interest) => {
    const told: string[] = [];
    const onEvents = (events: readonly { type: string; object: CachedObject }[]) =>
      told.push(...events.map(({ type, object }) => `${type} ${object.namespace}/${object.name}`));
    const stop = cacher.subscribe(cacher.revision, { onEvents, onEnd: () => {} }, interest)!;
    return { told, stop };
  };

  it('those of all, of the namespace, and of the values that the object has or had', async () => {
    const all = listen();
    const namespace = listen({ namespace: 'a', demand: undefined });
    const other = listen({ namespace: 'b', demand: undefined });
    const web = listen({ namespace: '', demand: label('app', 'web') });
    const db = listen({ namespace: 'a', demand: label('app', 'db') });
    const elsewhere = listen({ namespace: 'b', demand: label('app', 'db') });
    const name = listen({ namespace: 'a', demand: field('metadata.name', '1') });
    await put('a/1', 'app=db;node=x');
    expect(all.told).toEqual(['MODIFIED a/1']);
    expect(namespace.told).toEqual(['MODIFIED a/1']);
    expect(other.told).toEqual([]);
    expect(web.told).toEqual(['MODIFIED a/1']);
    expect(db.told).toEqual(['MODIFIED a/1']);
    expect(elsewhere.told).toEqual([]);
    expect(name.told).toEqual(['MODIFIED a/1']);
  });

  it('nobody who has left, and whoever stays in the same group', async () => {
    const first = listen({ namespace: 'a', demand: undefined });
    const second = listen({ namespace: 'a', demand: undefined });
    first.stop();
    first.stop();
    await remove('a/1');
    expect(first.told).toEqual([]);
    expect(second.told).toEqual(['DELETED a/1']);
    second.stop();
    const third = listen({ namespace: 'a', demand: undefined });
    first.stop();
    await remove('a/2');
    expect(third.told).toEqual(['DELETED a/2']);
  });
});
