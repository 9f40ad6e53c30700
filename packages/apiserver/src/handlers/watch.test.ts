import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CacheEvent, Subscriber } from '../registry/cacher.ts';
import { FanOut } from './fan-out.ts';
import type { ListOptions } from './options.ts';
import type { Scope } from './scope.ts';
import { type WatchLimits, watchObjects } from './watch.ts';

const selection = vi.hoisted(() => ({ namespace: '', demands: [], everything: true, matches: () => false }));
const made = vi.hoisted(() => [] as string[]);
vi.mock('./selection.ts', () => ({ selectionOf: () => ({ ...selection }) }));
vi.mock('./representations.ts', () => ({
  representationFor: () => ({
    streamContentType: 'application/json',
    form: 'names',
    bookmark: (revision: number) => Buffer.from(`bookmark ${revision};`),
    event: (_type: string, { name }: { name: string }) => {
      if (name === 'broken') throw new TypeError('no such layout');
      made.push(name);
      return Buffer.from(name);
    },
  }),
}));

/** What is asked for of the past, to be answered by the test. */
let history = Promise.withResolvers<{ events: CacheEvent[]; revision: number }>();
vi.mock('../registry/history.ts', () => ({ eventsFromHistory: () => history.promise }));

const series = { inc: () => {}, observe: () => {} };
const watches = new Set<() => void>();
const limits = {
  minRequestTimeoutSeconds: 60,
  random: () => 0,
  fanOut: new FanOut(() => performance.now()),
  lifecycle: {
    registerWatch: (end: () => void) => {
      watches.add(end);
      return () => watches.delete(end);
    },
  },
} as unknown as WatchLimits;

/** A cache of nothing, whose subscribers are told by hand. */
class Cacher {
  readonly revision = 1;
  readonly #subscribers = new Set<Subscriber>();
  async ready(): Promise<void> {}
  oldestRevision = 0;
  subscribe(revision: number, subscriber: Subscriber): (() => void) | undefined {
    if (revision < this.oldestRevision) return undefined;
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }
  get subscribers(): number {
    return this.#subscribers.size;
  }
  tell(...names: string[]): void {
    const events = names.map((name) => ({ type: 'ADDED', revision: 2, object: { name, bytes: Buffer.alloc(1) } }));
    for (const each of this.#subscribers) each.onEvents(events as unknown as CacheEvent[], 2);
  }
}

function watch(cacher: Cacher, options = {}) {
  const out = new PassThrough({ encoding: 'utf8' });
  let sent = '';
  out.on('data', (piece: string) => {
    sent += piece;
  });
  const exchange = { httpVersion: '2', begin: () => out, onClose: (gone: () => void) => out.once('close', gone) };
  const scope = {
    ctx: { exchange, auditId: '', flowHeaders: {}, warnings: [] },
    store: { cacher },
    served: { version: 'v1', definition: { group: '', resource: 'things', registration: {} } },
    metrics: { watch: () => ({ events: series, sizes: series, initial: series }) },
    output: { mediaType: 'application/json' },
  } as unknown as Scope;
  return {
    ended: watchObjects(scope, { resourceVersion: '0', sendInitialEvents: false, ...options } as ListOptions, limits),
    sent: () => sent,
    out,
  };
}

it('ends alone where one of its events cannot be told', async () => {
  const [cacher, other] = [new Cacher(), new Cacher()];
  const [broken, whole] = [watch(cacher), watch(other)];
  const failure = broken.ended.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  await vi.waitFor(() => expect([cacher.subscribers, other.subscribers]).toEqual([1, 1]));
  cacher.tell('first', 'broken');
  other.tell('second');
  expect(await failure).toEqual(new TypeError('no such layout'));
  expect(cacher.subscribers).toBe(0);
  await vi.waitFor(() => expect(whole.sent()).toBe('second'));
  cacher.tell('third');
  expect(watches.size).toBe(1);

  whole.out.destroy();
  await whole.ended;
  expect([other.subscribers, watches.size]).toEqual([0, 0]);
});

it.each([
  [1, ''],
  [2, ''],
  [3, 'bookmark 1;'],
  [90, 'bookmark 1;'],
])('says where it stands 2 s before its end, if it lasts so long: %i s', async (timeoutSeconds, expected) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const cacher = new Cacher();
  const { ended, sent } = watch(cacher, { allowWatchBookmarks: true, timeoutSeconds });
  await new Promise(setImmediate);
  expect(cacher.subscribers).toBe(1);
  const before = Math.max(0, timeoutSeconds - 2) * 1000;
  vi.advanceTimersByTime(before);
  await new Promise(setImmediate);
  expect(sent()).toBe(expected);
  vi.advanceTimersByTime(timeoutSeconds * 1000 - before);
  await ended;
});

it.each([
  ['its client goes', (out: PassThrough) => out.destroy()],
  [
    'the server ends',
    () => {
      for (const end of watches) end();
    },
  ],
])('holds no place in the cache where %s while the past is read', async (_, leave) => {
  history = Promise.withResolvers();
  const cacher = new Cacher();
  cacher.oldestRevision = 5;
  const { ended, out, sent } = watch(cacher, { resourceVersion: '1', sendInitialEvents: undefined });
  await new Promise(setImmediate);
  leave(out);
  await new Promise(setImmediate);
  history.resolve({ events: [], revision: 5 });
  await ended;
  expect([cacher.subscribers, sent()]).toEqual([0, '']);
});

describe('events that came at once', () => {
  it('are put together once for all who see all of them, in their order', async () => {
    const cacher = new Cacher();
    const [one, other] = [watch(cacher), watch(cacher)];
    await vi.waitFor(() => expect(cacher.subscribers).toBe(2));
    made.length = 0;
    cacher.tell('a;', 'b;');
    cacher.tell('c;');
    cacher.tell('d;', 'e;');
    await vi.waitFor(() => expect([one.sent(), other.sent()]).toEqual(['a;b;c;d;e;', 'a;b;c;d;e;']));
    expect(made).toEqual(['a;', 'b;', 'c;', 'd;', 'e;', 'c;']);
    for (const { out, ended } of [one, other]) {
      out.destroy();
      await ended;
    }
  });

  it('are looked at one by one for who does not', async () => {
    onTestFinished(() => void Object.assign(selection, { everything: true }));
    selection.everything = false;
    const cacher = new Cacher();
    const { ended, out, sent } = watch(cacher);
    await vi.waitFor(() => expect(cacher.subscribers).toBe(1));
    cacher.tell('a;', 'b;');
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
    expect(sent()).toBe('');
    out.destroy();
    await ended;
  });
});
