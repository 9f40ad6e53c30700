import { describe, expect, it } from 'vitest';
import { manualWorld } from '../testing/world.ts';
import { WorkQueue } from './queue.ts';
import { defaultRateLimiter } from './ratelimiter.ts';
import { runWorkers } from './workers.ts';

function queueOf(...items: string[]) {
  const world = manualWorld();
  const queue = new WorkQueue<string>(world, 'test');
  for (const item of items) queue.add(item);
  return { queue, world };
}

describe('WorkQueue', () => {
  it('gives out each item once, in order', async () => {
    const { queue } = queueOf('a', 'b', 'a', 'c', 'b');
    expect(queue.length).toBe(3);
    expect([await queue.get(), await queue.get(), await queue.get()]).toEqual(['a', 'b', 'c']);
    expect(queue.length).toBe(0);
  });

  it('puts an item back that was added while it was worked on, not before', async () => {
    const { queue } = queueOf('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
    await queue.get();
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  it('wakes those who wait, the first first', async () => {
    const { queue } = queueOf();
    const got = [queue.get(), queue.get()];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(got)).toEqual(['a', 'b']);
    queue.add('a');
    expect(queue.length).toBe(0);
  });

  it('adds later; the earliest time holds', async () => {
    const { queue, world } = queueOf();
    queue.addAfter('a', 1000);
    queue.addAfter('a', 5000);
    queue.addAfter('b', 5000);
    queue.addAfter('b', 2000);
    queue.addAfter('c', 0);
    expect(queue.length).toBe(1);
    world.clock.advance(999);
    expect(queue.length).toBe(1);
    world.clock.advance(1);
    expect(queue.length).toBe(2);
    world.clock.advance(1000);
    expect(queue.length).toBe(3);
    for (let i = 0; i < 3; i++) await queue.get();
    world.clock.advance(10_000);
    expect(queue.length).toBe(0);
  });

  it('shut down, gives out what it has, drops what waits and takes no more', async () => {
    const { queue, world } = queueOf('a');
    queue.addAfter('b', 1000);
    queue.shutDown();
    queue.add('c');
    world.clock.advance(1000);
    expect([await queue.get(), await queue.get()]).toEqual(['a', undefined]);
  });

  it('ends the waiting of takers when it is shut down', async () => {
    const { queue } = queueOf();
    const got = queue.get();
    queue.shutDown();
    expect(await got).toBe(undefined);
  });
});

describe('rate limits', () => {
  it('double with each failure of an item, up to the most', () => {
    const { clock } = manualWorld();
    const limiter = defaultRateLimiter<string>(clock, { burst: 1000 });
    const waits = Array.from({ length: 20 }, () => limiter.next('a'));
    expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(waits.slice(-3)).toEqual([655_360, 1_000_000, 1_000_000]);
    expect(limiter.next('b')).toBe(5);
    expect(limiter.failures('a')).toBe(20);
    limiter.forget('a');
    expect([limiter.failures('a'), limiter.next('a')]).toEqual([0, 5]);
  });

  it('hold for all items together', () => {
    const { clock } = manualWorld();
    const limiter = defaultRateLimiter<number>(clock);
    const waits = Array.from({ length: 103 }, (_, i) => limiter.next(i));
    expect(waits.slice(0, 100).every((ms) => ms === 5)).toBe(true);
    expect(waits.slice(100).map(Math.round)).toEqual([100, 200, 300]);
  });
});

describe('runWorkers', () => {
  it('runs so many at once, and none twice at a time', async () => {
    const { queue, world } = queueOf(...'abcdef');
    let running = 0;
    let most = 0;
    const done: string[] = [];
    const all = runWorkers(
      queue,
      2,
      async (item) => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running -= 1;
        done.push(item);
      },
      world.log,
    );
    await world.pass(10);
    queue.shutDown();
    await all;
    expect([most, done.join('')]).toEqual([2, 'abcdef']);
  });

  it('brings an item again that failed, later each time, and one that asks for it', async () => {
    const { queue, world } = queueOf('a');
    const begun = world.clock.now();
    const at: number[] = [];
    const all = runWorkers(
      queue,
      1,
      async () => {
        at.push(world.clock.now() - begun);
        if (at.length < 4) throw new Error('not yet');
        return at.length === 4 ? { afterMs: 1000 } : undefined;
      },
      world.log,
    );
    await world.pass(50);
    await world.pass(2000);
    expect(at).toEqual([0, 5, 15, 35, expect.closeTo(1035, -2)]);
    expect(queue.failures('a')).toBe(0);
    queue.shutDown();
    await all;
  });
});
