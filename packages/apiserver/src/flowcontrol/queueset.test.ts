import { describe, expect, it } from 'vitest';
import { parseRequestInfo } from '../requestinfo.ts';
import { deal, flowHash } from './dealer.ts';
import { type Discipline, QueueSet } from './queueset.ts';
import { type Flow, FlowRequest, type Tally } from './request.ts';
import type { Work } from './work.ts';

const asked = { user: { name: 'u', uid: '', groups: [], extra: {} }, info: parseRequestInfo('GET', '/api/v1/pods') };
const ONE: Work = { seats: 1, finalSeats: 0, lingerMs: 0 };

function tallyOf(): Tally {
  return {
    schema: 's',
    level: 'l',
    waiting: 0,
    seatsWaiting: 0,
    executing: 0,
    seatsInUse: 0,
    dispatched: 0,
    noAccommodation: 0,
    refused: { 'concurrency-limit': 0, 'queue-full': 0, 'time-out': 0 },
  };
}

/** A level with its own time, and requests that say who they are. */
class Level {
  now = 0;
  readonly set = new QueueSet(0);
  readonly #discipline: Discipline;
  readonly tally = tallyOf();

  constructor(discipline: Discipline, limit: number) {
    this.#discipline = discipline;
    this.set.configure(discipline, limit, 0);
  }

  flow(name: string): Flow {
    if (this.#discipline.kind !== 'queue') return { distinguisher: '', hand: [] };
    const { queues, handSize } = this.#discipline;
    return { distinguisher: name, hand: deal(flowHash('s', name), queues, handSize) };
  }

  start(name: string, work = ONE): { request: FlowRequest; outcome: string } {
    const request = new FlowRequest(asked, this.tally, this.flow(name), work, this.now);
    return { request, outcome: this.set.start(request, this.now) };
  }

  finish(request: FlowRequest): number {
    return this.set.finish(request, this.now);
  }
}

const queues = (count: number, handSize = 1, queueLengthLimit = 50): Discipline => ({
  kind: 'queue',
  queues: count,
  handSize,
  queueLengthLimit,
});

interface Client {
  readonly parallel: number;
  readonly serviceMs: number;
  readonly work?: Work;
  /** Sends nothing before. */
  readonly fromMs?: number;
}

/**
 * Clients that send again as soon as they are answered.
 * @param clients by flow: how many at the same time, and how long a request takes
 * @returns how many requests of each flow were served in `ms`
 */
function simulate(level: Level, clients: Record<string, Client>, ms: number): Record<string, number> {
  const served: Record<string, number> = {};
  const running: { request: FlowRequest; flow: string; endsAt: number }[] = [];
  const send = (flow: string): void => {
    const request = new FlowRequest(asked, level.tally, level.flow(flow), clients[flow]!.work ?? ONE, level.now);
    const begin = (): void => {
      running.push({ request, flow, endsAt: level.now + clients[flow]!.serviceMs });
    };
    request.onTurn = begin;
    if (level.set.start(request, level.now) === 'executing' && !running.some((r) => r.request === request)) begin();
  };
  const pending = Object.entries(clients);
  while (level.now < ms) {
    for (const [flow, { parallel }] of pending.filter(([, { fromMs = 0 }]) => fromMs <= level.now)) {
      pending.splice(
        pending.findIndex(([name]) => name === flow),
        1,
      );
      for (let i = 0; i < parallel; i++) send(flow);
    }
    running.sort((a, b) => a.endsAt - b.endsAt);
    const next = running.shift()!;
    level.now = next.endsAt;
    served[next.flow] = (served[next.flow] ?? 0) + 1;
    level.finish(next.request);
    send(next.flow);
  }
  return served;
}

describe('fairness', () => {
  it('a flow with ten times the clients gets no more than one with enough of them', () => {
    const served = simulate(
      new Level(queues(64, 6), 8),
      { greedy: { parallel: 200, serviceMs: 10 }, modest: { parallel: 20, serviceMs: 10 } },
      5000,
    );
    // Twenty clients are more than half of eight seats' worth: their flow has up to six queues, the other one too.
    expect(served.modest! / (served.greedy! + served.modest!)).toBeGreaterThan(0.4);
  });

  it('a flow that asks for less than its share gets all of it', () => {
    const served = simulate(
      new Level(queues(8), 8),
      { greedy: { parallel: 50, serviceMs: 10 }, modest: { parallel: 2, serviceMs: 10 } },
      5000,
    );
    expect(served.modest).toBeGreaterThan(0.4 * 2 * (5000 / 10));
  });

  it('time counts, not requests', () => {
    const served = simulate(
      new Level(queues(8), 4),
      { slow: { parallel: 30, serviceMs: 90 }, quick: { parallel: 30, serviceMs: 10 } },
      20_000,
    );
    const [slow, quick] = [served.slow! * 90, served.quick! * 10];
    expect(slow / quick).toBeGreaterThan(0.8);
    expect(slow / quick).toBeLessThan(1.25);
  });

  it('seats count', () => {
    const wide = { seats: 5, finalSeats: 0, lingerMs: 0 };
    const served = simulate(
      new Level(queues(8), 10),
      { wide: { parallel: 30, serviceMs: 10, work: wide }, narrow: { parallel: 30, serviceMs: 10 } },
      20_000,
    );
    expect((served.wide! * 5) / served.narrow!).toBeGreaterThan(0.8);
    expect((served.wide! * 5) / served.narrow!).toBeLessThan(1.25);
  });

  it('having asked for nothing earns nothing', () => {
    const served = simulate(
      new Level(queues(8), 1),
      { early: { parallel: 5, serviceMs: 10 }, late: { parallel: 5, serviceMs: 10, fromMs: 10_000 } },
      12_000,
    );
    expect(served.late).toBeGreaterThan(90);
    expect(served.late).toBeLessThan(110);
  });
});

it('shuffle sharding: an elephant fills its own hand, and hardly ever another one', () => {
  const level = new Level(queues(64, 6, 10), 1);
  level.start('elephant');
  const outcomes = Array.from({ length: 100 }, () => level.start('elephant').outcome);
  expect(outcomes.filter((o) => o === 'waiting')).toHaveLength(60);
  expect(outcomes.filter((o) => o === 'queue-full')).toHaveLength(40);
  for (let i = 0; i < 100; i++) expect(level.start(`mouse ${i}`).outcome).toBe('waiting');
});

describe('without queues', () => {
  it('what is too much is refused', () => {
    const level = new Level({ kind: 'reject' }, 2);
    const [a, b] = [level.start('a'), level.start('b')];
    expect([a.outcome, b.outcome, level.start('c').outcome]).toEqual(['executing', 'executing', 'concurrency-limit']);
    level.finish(a.request);
    expect(level.start('d').outcome).toBe('executing');
    expect(level.tally).toMatchObject({ executing: 2, dispatched: 3, refused: { 'concurrency-limit': 1 } });
  });
  it('the exempt are never refused', () => {
    const level = new Level({ kind: 'exempt' }, 0);
    for (let i = 0; i < 100; i++) expect(level.start('a').outcome).toBe('executing');
    expect(level.set.seatsInUse).toBe(100);
  });
});

describe('waiting', () => {
  it('is in order within a flow', () => {
    const level = new Level(queues(1), 1);
    const first = level.start('a').request;
    const order: number[] = [];
    const others = [1, 2, 3].map((n) => {
      const { request, outcome } = level.start('a');
      expect(outcome).toBe('waiting');
      request.onTurn = () => order.push(n);
      return request;
    });
    for (const request of [first, ...others]) level.finish(request);
    expect(order).toEqual([1, 2, 3]);
    expect(level.set.idle).toBe(true);
  });

  it('ends when it took too long', () => {
    const level = new Level(queues(1), 1);
    const running = level.start('a').request;
    const waiting = level.start('a').request;
    expect(level.set.cancel(waiting, 100)).toBe(true);
    expect(level.set.cancel(waiting, 100)).toBe(false);
    expect(level.set.cancel(running, 100)).toBe(false);
    expect(level.tally).toMatchObject({ waiting: 0, seatsWaiting: 0, refused: { 'time-out': 1 } });
    level.finish(running);
    expect([level.set.idle, level.set.demand.value, waiting.startedAt]).toEqual([true, 0, 0]);
  });

  it('a wide request waits until there are seats, and nobody overtakes it', () => {
    const level = new Level(queues(1), 4);
    const running = level.start('a').request;
    expect(level.start('wide', { seats: 4, finalSeats: 0, lingerMs: 0 }).outcome).toBe('waiting');
    expect(level.start('b').outcome).toBe('waiting');
    expect(level.tally.noAccommodation).toBeGreaterThan(0);
    level.finish(running);
    expect(level.set.seatsInUse).toBe(4);
  });

  it('a request for more seats than there are is served alone', () => {
    const level = new Level(queues(8), 2);
    const { request, outcome } = level.start('wide', { seats: 9, finalSeats: 0, lingerMs: 0 });
    expect([outcome, level.start('b').outcome]).toEqual(['executing', 'waiting']);
    level.finish(request);
    expect(level.tally.executing).toBe(1);
  });
});

it('a write keeps its seats for the watches that it wakes', () => {
  const level = new Level(queues(8), 4);
  const { request } = level.start('a', { seats: 1, finalSeats: 4, lingerMs: 5 });
  expect(level.set.seatsInUse).toBe(4);
  expect(level.start('b').outcome).toBe('waiting');
  expect(level.finish(request)).toBe(5);
  expect([level.set.seatsInUse, level.tally.executing]).toEqual([4, 0]);
  level.set.release(request, 5);
  expect([level.set.seatsInUse, level.tally.executing]).toEqual([1, 1]);
});

it('knows for how long how much of it was in use', () => {
  const level = new Level(queues(1, 1, 4), 2);
  const wide = level.start('a', { ...ONE, seats: 2 }).request;
  level.now = 10;
  expect(level.start('b').outcome).toBe('waiting');
  level.now = 30;
  level.finish(wide);
  level.now = 60;
  const { usage } = level.set;
  for (const ratio of Object.values(usage)) ratio.pass(level.now);
  expect(usage.seats.sum).toBe(30e6 + 0.5 * 30e6);
  expect(usage.executing.sum).toBe(0.5 * 60e6);
  expect(usage.waiting.sum).toBe(0.25 * 20e6);
  expect(usage.demand.sum).toBe(10e6 + 1.5 * 20e6 + 0.5 * 30e6);
});

describe('another configuration', () => {
  it('more seats are used at once', () => {
    const level = new Level(queues(8), 1);
    for (let i = 0; i < 5; i++) level.start('a');
    level.set.configure(queues(8), 4, 0);
    expect(level.tally).toMatchObject({ executing: 4, waiting: 1 });
  });
  it('queues that are too many go when they are empty', () => {
    const level = new Level(queues(8), 1);
    const requests = Array.from({ length: 30 }, (_, i) => level.start(`flow ${i}`).request);
    level.set.configure(queues(2), 1, 0);
    expect(level.set.queues.length).toBeGreaterThan(2);
    while (level.set.executing.size > 0) for (const r of [...level.set.executing]) level.finish(r);
    expect(level.set.queues.length).toBe(2);
    expect(requests.every((r) => r.startedAt === 0 || r.queue !== undefined)).toBe(true);
    expect(level.set.idle).toBe(true);
  });
});

it('sums are right whatever happens', () => {
  const level = new Level(queues(4, 2, 3), 3);
  let seed = 7;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  const alive: FlowRequest[] = [];
  const lingering: FlowRequest[] = [];
  for (let i = 0; i < 5000; i++) {
    level.now += random(5);
    const pick = alive.length > 0 ? alive.splice(random(alive.length), 1)[0] : undefined;
    if (pick === undefined || random(2) === 0) {
      if (pick) alive.push(pick);
      const work = random(3) === 0 ? { seats: 1, finalSeats: 2, lingerMs: 3 } : { ...ONE, seats: 1 + random(4) };
      const { request, outcome } = level.start(`f${random(5)}`, work);
      if (outcome === 'executing' || outcome === 'waiting') alive.push(request);
    } else if (level.set.executing.has(pick)) {
      if (level.finish(pick) > 0) lingering.push(pick);
    } else level.set.cancel(pick, level.now);
    if (lingering.length > 0 && random(3) === 0) level.set.release(lingering.shift()!, level.now);
    const sum = (of: (q: (typeof level.set.queues)[number]) => number) =>
      level.set.queues.reduce((total, q) => total + of(q), 0);
    expect(level.set.waiting).toBe(sum((q) => q.waiting.length));
    expect(level.set.executing.size).toBe(sum((q) => q.executing));
    expect(level.set.seatsInUse).toBe(sum((q) => q.seatsInUse));
    expect(level.set.demand.value).toBe(sum((q) => q.seatsInUse + q.seatsWaiting));
    expect(level.tally.waiting).toBe(level.set.waiting);
  }
});
