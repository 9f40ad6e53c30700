/** Writes to a store whose watch cache lags behind, as etcd's does. */
import { StatusError } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import type { Store } from '@keelson/storage/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { NO_USER } from '../context.ts';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { Resources } from '../resources.ts';
import { registration } from './core/configmap/index.ts';
import { follow } from './follow.ts';
import type { ResourceStore } from './store.ts';

let reads: number;
/** Whether events reach the cache. */
let isConnected: boolean;
let store: Store;
let ours: ResourceStore;
/** Another API server, whose cache is never behind. */
let theirs: ResourceStore;

const ctx = { namespace: 'a', user: NO_USER, now: new Date(0), dryRun: false, requestVersion: 'v1' };
const warn = () => {};

beforeEach(async () => {
  reads = 0;
  isConnected = true;
  store = openMemoryStore();
  theirs = configMaps(store);
  ours = configMaps(lagging(store));
  await Promise.all([ours.cacher.ready(), theirs.cacher.ready()]);
  await theirs.create(configMap('c', {}), { ctx, warn });
  isConnected = false;
});

function configMaps(of: Store): ResourceStore {
  const environment = {
    store: of,
    now: () => new Date(0),
    uuid: () => 'uid',
    random: () => 0,
    logger: silentLogger,
  };
  return new Resources(environment, enabledGroups(), { configmaps: registration as never }).storeOf('', 'configmaps');
}

/** The same data seen from afar. */
function lagging(local: Store): Store {
  const members = {
    embedded: false,
    get: (...args: Parameters<Store['get']>) => {
      reads++;
      return local.get(...args);
    },
    currentRevision: () => {
      reads++;
      return local.currentRevision();
    },
    watch: (options: Parameters<Store['watch']>[0]) =>
      local.watch({ ...options, onBatch: (batch) => isConnected && options.onBatch(batch) }),
  };
  return new Proxy(local, {
    get: (target, name) => {
      const value = Reflect.get(members, name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function configMap(name: string, data: Record<string, string>): KubeObject {
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'a' }, data } as KubeObject;
}

type WithData = KubeObject & { data?: Record<string, string> };

/** Adds to the data, as a patch does. */
const add = (of: ResourceStore, data: Record<string, string>, name = 'c') =>
  of.update({
    ctx,
    warn,
    name,
    transform: (existing) => {
      const object = existing as WithData;
      object.data = { ...object.data, ...data };
      return object;
    },
  });
const stored = async (name = 'c') => ((await theirs.get('a', name)) as WithData).data;

it('asks nothing before it writes what the cache has', async () => {
  await add(ours, { x: '1' });
  expect(reads).toBe(0);
  expect(await stored()).toEqual({ x: '1' });
});

it('does not undo what the cache has not seen', async () => {
  await add(theirs, { x: '1' });
  await add(ours, { y: '2' });
  expect(await stored()).toEqual({ x: '1', y: '2' });
});

it.each([422, 500])('does not refuse with %i what only an old state is refused for', async (code) => {
  await add(theirs, { mended: 'yes' });
  const transform = (existing: KubeObject | undefined): KubeObject => {
    if (!(existing as WithData).data?.mended) throw new StatusError(code, '', 'broken');
    return existing!;
  };
  const { object } = await ours.update({ ctx, warn, name: 'c', transform });
  expect((object as WithData).data).toMatchObject({ mended: 'yes' });
});

it('writes what looks unchanged beside an old state', async () => {
  await add(ours, { x: '1' });
  await add(theirs, { x: '2' });
  isConnected = true;
  const { object } = await ours.update({
    ...{ ctx, warn, name: 'c' },
    transform: (existing) => Object.assign(existing as WithData, { data: undefined }) as KubeObject,
  });
  expect((object as WithData).data).toBeUndefined();
  expect(await stored()).toBeUndefined();
});

it('refuses on the grounds of the newest state alone', async () => {
  await add(theirs, { x: '1' });
  const { revision } = (await theirs.getCached('a', 'c')) ?? {};
  const { object } = await ours.update({
    ...{ ctx, warn, name: 'c', preconditions: { resourceVersion: String(revision) } },
    transform: (existing) => Object.assign(existing as WithData, { data: { y: '2' } }) as KubeObject,
  });
  expect((object as WithData).data).toEqual({ y: '2' });
  const refusal = add(ours, { x: '1' }, 'none');
  await expect(refusal).rejects.toMatchObject({ code: 404 });
});

it('finds what the cache does not have yet', async () => {
  await theirs.create(configMap('new', {}), { ctx, warn });
  await add(ours, { x: '1' }, 'new');
  expect(await stored('new')).toEqual({ x: '1' });
});

it('parses an object once at a start, for its cache and for who follows', async () => {
  const names = ['c', 'd', 'e'];
  for (const name of ['d', 'e']) await theirs.create(configMap(name, { name }), { ctx, warn });
  // What was encoded here is known; of another process it would not be.
  const copied = new Proxy(store, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      if (name !== 'list') return typeof value === 'function' ? value.bind(target) : value;
      return async (options: Parameters<Store['list']>[0]) => {
        const page = await store.list(options);
        return { ...page, kvs: page.kvs.map((kv) => ({ ...kv, value: Buffer.from(kv.value) })) };
      };
    },
  });
  const fresh = configMaps(copied);
  const parse = vi.spyOn(JSON, 'parse');
  const told: (string | undefined)[] = [];
  await follow(fresh, {
    set: ({ metadata }) => void told.push(`${metadata.name} ${metadata.resourceVersion}`),
    delete: () => {},
  });
  const parsed = parse.mock.calls.length;
  parse.mockRestore();
  expect(told).toEqual(names.map((name) => `${name} ${fresh.cacher.get(`/registry/configmaps/a/${name}`)!.revision}`));
  expect(parsed).toBe(names.length);
});

it('a dry run finds what is there, though nobody has read of the resource yet', async () => {
  const fresh = configMaps(store);
  const create = fresh.create(configMap('c', {}), { ctx: { ...ctx, dryRun: true }, warn });
  await expect(create).rejects.toMatchObject({ code: 409, reason: 'AlreadyExists' });
});

it('stores what admission has given another name under the one that was asked for', async () => {
  const create = (name: string) =>
    theirs.update({
      ...{ ctx, warn, name, forceAllowCreate: true },
      transform: () => configMap(name, {}),
      admitCreate: async (object) => {
        object.metadata.name = 'renamed';
      },
    });
  for (const name of ['first', 'second']) expect((await create(name)).object.metadata.name).toBe('renamed');
  expect((await theirs.get('a', 'second')).metadata.name).toBe('renamed');
});

it.each([
  ['large for what is stored', { x: 'x'.repeat(500_000) }, 0],
  ['large for what is written', {}, 500_000],
])('lets others work between the steps of an update that is %s', async (_, data, size) => {
  await theirs.create(configMap('large', data), { ctx, warn });
  let turns = 0;
  let seen = 0;
  const count = () => {
    turns++;
    if (seen < 3) setImmediate(count);
  };
  setImmediate(count);
  const at: number[] = [];
  const step = <T>(value: T): T => {
    at.push(turns);
    seen = at.length;
    return value;
  };
  await theirs.update({
    ...{ ctx, warn, name: 'large', size },
    transform: (existing) => step(Object.assign(existing as WithData, { data: { ...data, y: '1' } })),
    admitUpdate: async () => step(undefined),
  });
  step(undefined);
  expect(at[0]).toBeGreaterThan(0);
  expect(at[1]).toBeGreaterThan(at[0]!);
  expect(at[2]).toBeGreaterThan(at[1]!);
});

it.each([
  [10, false],
  [500_000, true],
])('lets others work between the steps of storing %i bytes: %s', async (size, isInTurns) => {
  let turns = 0;
  setImmediate(() => turns++);
  await theirs.create(configMap('new', {}), { ctx, warn, size });
  expect(turns > 0).toBe(isInTurns);
});

it('a name that is taken is complained of otherwise where one could be made', async () => {
  const taken = (generateName?: string) => {
    const object = configMap('c', {});
    return theirs.create({ ...object, metadata: { ...object.metadata, generateName } } as KubeObject, { ctx, warn });
  };
  const conflict = 'configmaps "c" already exists';
  await expect(taken()).rejects.toMatchObject({ message: conflict });
  await expect(taken('c-')).rejects.toMatchObject({
    message: `${conflict}, the server was not able to generate a unique name for the object`,
    details: { retryAfterSeconds: 1 },
  });
});
