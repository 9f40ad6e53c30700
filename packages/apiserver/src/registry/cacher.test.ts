import { StatusError } from '@keelson/api/errors';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import type { KeyValue, Store } from '@keelson/storage/store';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CachedObject } from './cached-objects.ts';
import { type CacheEvent, Cacher, type CacherOptions } from './cacher.ts';

const decode = ({ key, value, modRevision }: KeyValue): CachedObject => {
  const [, , , namespace = '', name = ''] = key.split('/');
  return { key, namespace, name, revision: modRevision, bytes: Buffer.from(value), labels: {}, fields: {} };
};

let store: Store;
let cacher: Cacher;

function cacherOf(options: Partial<CacherOptions> = {}): Cacher {
  const now = () => new Date(0);
  return new Cacher({ store, prefix: '/registry/things', decode, now, logger: silentLogger, ...options });
}

beforeEach(() => {
  store = openMemoryStore();
  cacher = cacherOf({ ringCapacity: 8 });
});

async function put(name: string, value: string): Promise<number> {
  const key = `/registry/things/${name}`;
  const { kv } = await store.get(key);
  const result = await store.put(key, Buffer.from(value), { expect: kv?.modRevision ?? 0 });
  return result.revision;
}

async function remove(name: string): Promise<number> {
  const key = `/registry/things/${name}`;
  const { kv } = await store.get(key);
  return (await store.delete(key, { expect: kv!.modRevision })).revision;
}

const seen = (events: readonly CacheEvent[]) =>
  events.map((e) => `${e.type} ${e.object.name} ${e.object.bytes} ${e.revision}`);

describe('cacher', () => {
  it('holds what was there and what came, in key order, by namespace', async () => {
    await put('b/x', '1');
    await put('a/y', '2');
    await cacher.ready();
    await put('a-b/z', '3');
    await remove('b/x');
    expect(cacher.list('').map((o) => o.key)).toEqual(['/registry/things/a-b/z', '/registry/things/a/y']);
    expect(cacher.list('a').map((o) => o.name)).toEqual(['y']);
    expect(cacher.count('')).toBe(2);
    expect(cacher.tally).toEqual({ events: 2, loads: 1 });
  });

  it('tells what was there at any revision that it remembers', async () => {
    cacher = cacherOf({ ringCapacity: 40 });
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 0x7fffffff;
      return seed % below;
    };
    type State = readonly string[];
    const states = new Map<number, State>();
    const told = (objects: readonly CachedObject[]): State => objects.map((o) => `${o.key} ${o.bytes} ${o.revision}`);
    for (let i = 0; i < 20; i++) await put(`${'abc'[i % 3]}/${i}`, 'first');
    await cacher.ready();
    for (let i = 0; i < 60; i++) {
      const name = `${'abc'[random(3)]}/${random(25)}`;
      const isThere = cacher.get(`/registry/things/${name}`) !== undefined;
      if (isThere && random(2) === 0) await remove(name);
      else await put(name, `${i}`);
      states.set(await cacher.fresh(), told(cacher.list('')));
    }
    let remembered = 0;
    for (const [revision, state] of states) {
      const past = cacher.at(revision);
      expect(past === undefined).toBe(revision < cacher.oldestRevision);
      if (!past) continue;
      remembered++;
      for (const namespace of ['', 'b']) {
        for (const from of [undefined, '/registry/things/a/2', '/registry/things/b/12', '/registry/things/d/']) {
          const keyOf = (told: string) => told.split(' ')[0]!;
          const wanted = state.filter(
            (o) => (namespace === '' || o.includes(`/${namespace}/`)) && (from === undefined || keyOf(o) >= from),
          );
          expect(told(past.list(namespace, from))).toEqual(wanted);
          expect(told(past.list(namespace, from, 3))).toEqual(wanted.slice(0, 3));
          expect(told(past.listMatching([], namespace, from))).toEqual(wanted);
          expect(past.count(namespace, from)).toBe(wanted.length);
        }
      }
      expect(state.map((o) => told([past.get(o.split(' ')[0]!)!])[0])).toEqual(state);
    }
    expect(remembered).toBeGreaterThanOrEqual(40);
    expect(cacher.at(cacher.revision)).toBe(cacher);
  });

  it('stands at the newest revision when asked to be fresh, also when others wrote', async () => {
    await cacher.ready();
    const { revision } = await store.put('/registry/others/o', Buffer.from('o'), { expect: 0 });
    expect(await cacher.fresh()).toBe(revision);
  });

  it('has all that was written while it was filled once it is asked to be fresh', async () => {
    await put('n/first', '0');
    let isFilling = true;
    const busy = new Proxy(store, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target);
        if (name !== 'list') return typeof value === 'function' ? value.bind(target) : value;
        return async (...args: Parameters<Store['list']>) => {
          const page = await target.list(...args);
          for (let i = 0; isFilling && i < 2_500; i++) await put(`n/${i}`, String(i));
          isFilling = false;
          return page;
        };
      },
    });
    const late = cacherOf({ store: busy });
    await late.ready();
    const revision = await late.fresh();
    expect(revision).toBe(await store.currentRevision());
    expect(late.count('')).toBe(2_501);
    late.close();
  });

  it('tells a subscriber what it missed and what comes, each once', async () => {
    await cacher.ready();
    const start = cacher.revision;
    const first = await put('n/a', '1');
    const events: CacheEvent[] = [];
    const stop = cacher.subscribe(start, { onEvents: (batch) => events.push(...batch), onEnd: () => {} });
    const second = await put('n/a', '2');
    const third = await remove('n/a');
    stop!();
    await put('n/a', '4');
    expect(seen(events)).toEqual([`ADDED a 1 ${first}`, `MODIFIED a 2 ${second}`, `DELETED a 2 ${third}`]);
    expect(events[2]!.object.revision).toBe(third);
    expect(String(events[1]!.previous!.bytes)).toBe('1');
  });

  it('forgets old events, and then refuses to begin so far back', async () => {
    await cacher.ready();
    const start = cacher.revision;
    for (let i = 0; i < 20; i++) await put('n/a', String(i));
    expect(cacher.subscribe(start, { onEvents: () => {}, onEnd: () => {} })).toBeUndefined();
    const events: CacheEvent[] = [];
    cacher.subscribe(cacher.oldestRevision, { onEvents: (batch) => events.push(...batch), onEnd: () => {} });
    expect(events.length).toBeGreaterThanOrEqual(8);
    expect(events.length).toBeLessThanOrEqual(10);
  });

  it('gives back what a burst has left behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const roomy = cacherOf();
    await roomy.ready();
    const start = roomy.revision;
    for (let i = 0; i < 150; i++) await put(`n/${i}`, String(i));
    vi.advanceTimersByTime(75_000);
    expect(roomy.oldestRevision).toBe(start);
    vi.advanceTimersByTime(75_000);
    expect(roomy.oldestRevision).toBe(start + 50);
    expect(roomy.list('').map(({ name, bytes }) => name === String(bytes))).toEqual(new Array(150).fill(true));
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps what every object is, wherever it moves the bytes', async () => {
    const value = (i: number) => String(i).padEnd(20_000);
    const state = new Map<string, string>();
    const write = async (i: number, version: number) => {
      await put(`n/o${i}`, value(version));
      state.set(`o${i}`, value(version));
    };
    for (let i = 0; i < 10; i++) await write(i, i);
    await cacher.ready();
    for (let i = 10; i < 60; i++) await write(i, i);
    // Holes are left, here and there, by what is gone and by what was replaced.
    for (let i = 0; i < 60; i++) {
      if (i % 10 === 0) continue;
      if (i % 3 > 0) await write(i, i + 100);
      else {
        await remove(`n/o${i}`);
        state.delete(`o${i}`);
      }
    }
    for (let i = 60; i < 80; i++) await write(i, i);
    expect(Object.fromEntries(cacher.list('').map(({ name, bytes }) => [name, bytes.toString()]))).toEqual(
      Object.fromEntries(state),
    );
  });

  it('remembers events up to a bound in bytes', async () => {
    const roomy = cacherOf({ ringCapacity: 1000 });
    await roomy.ready();
    const start = roomy.revision;
    for (let i = 0; i < 60; i++) await put('n/big', String(i).padEnd(1024 * 1024));
    expect(roomy.oldestRevision).toBeGreaterThan(start);
    expect(roomy.revision - roomy.oldestRevision).toBeGreaterThanOrEqual(30);
  });

  it('leaves nobody waiting for what never comes', async () => {
    await cacher.ready();
    const waiting = cacher.waitFor(cacher.revision + 1_000);
    cacher.end();
    await expect(waiting).rejects.toThrow('the resource is no longer served');
  });

  it('lets who has begun to read find what was there when he came, after its end too', async () => {
    await cacher.ready();
    cacher.end();
    await put('n/late', 'written');
    await cacher.waitFor(await store.currentRevision());
    expect(cacher.list('').map(({ name }) => name)).toContain('late');
    const ended = new Promise<Error>((resolve) => {
      cacher.subscribe(cacher.revision, { onEvents: () => {}, onEnd: resolve });
    });
    expect((await ended).message).toBe('the resource is no longer served');
  });

  it('holds no more than it has told of where something in a batch cannot be read', async () => {
    const failing = cacherOf({
      decode: (kv) => {
        if (String(kv.value) === 'broken') throw new StatusError(500, '', 'conversion failed');
        return decode(kv);
      },
    });
    await failing.ready();
    const told: CacheEvent[] = [];
    const held = new Promise<string[]>((resolve) => {
      failing.subscribe(failing.revision, {
        onEvents: (events) => told.push(...events),
        onEnd: () => resolve(failing.list('').map(({ name }) => name)),
      });
    });
    await Promise.all([put('n/good', '1'), put('n/bad', 'broken')]);
    expect(await held).toEqual(told.map(({ object }) => object.name));
    failing.close();
  });

  it('tells those who wait that an object keeps it from being loaded again, and who comes since when', async () => {
    const broken = new StatusError(500, '', 'conversion failed');
    let nowMs = 0;
    const failing = cacherOf({
      now: () => new Date(nowMs),
      decode: (kv) => {
        if (String(kv.value) === 'broken') throw broken;
        return decode(kv);
      },
    });
    nowMs = 5_000;
    await failing.ready();
    expect(failing.obstacle).toBeUndefined();
    nowMs = 10_000;
    const waiting = failing.waitFor(failing.revision + 1_000);
    const refused = expect(waiting).rejects.toBe(broken);
    await put('n/a', 'broken');
    await refused;
    nowMs = 13_000;
    expect(failing.obstacle).toEqual({ error: broken, downtimeMs: 3_000 });
    await expect(failing.ready()).rejects.toBe(broken);
    await put('n/a', 'mended');
    await expect.poll(() => failing.obstacle, { timeout: 30_000 }).toBeUndefined();
    expect(failing.list('').map(({ bytes }) => String(bytes))).toEqual(['mended']);
    failing.close();
  });
});
