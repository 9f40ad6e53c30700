import { ManualClock } from '@keelson/api/clock';
import type { FlowSchema, PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import { bootstrapFlowSchemas, bootstrapPriorityLevels } from '../bootstrap/flowcontrol.ts';
import type { RequestContext } from '../context.ts';
import { priorityAndFairness } from '../filters/priority-and-fairness.ts';
import type { ResponseHeaders } from '../http/exchange.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { FlowController } from './controller.ts';
import { serveDump } from './dump.ts';
import { FlowMetrics } from './metrics.ts';
import { WatchTracker } from './watches.ts';
import { WorkEstimator } from './work.ts';

const START = Date.parse('2026-01-02T03:04:05.600Z');

const level = (name: string, shares: number, queueLengthLimit?: number): PriorityLevelConfiguration => ({
  metadata: { name, uid: `level-${name}` },
  spec: {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      borrowingLimitPercent: 0,
      limitResponse:
        queueLengthLimit === undefined
          ? { type: 'Reject' }
          : { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit } },
    },
  },
  status: {},
});
const schema = (name: string, to: string): FlowSchema => ({
  metadata: { name, uid: `schema-${name}` },
  spec: {
    matchingPrecedence: 500,
    priorityLevelConfiguration: { name: to },
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
      },
    ],
  },
  status: {},
});

/** A server whose handler ends when the test says so. */
class World {
  readonly clock = new ManualClock(START);
  readonly controller: FlowController;
  readonly registry = new MetricsRegistry();
  readonly running = { reads: 0, writes: 0 };
  readonly dropped: string[] = [];
  readonly handling: { readonly ctx: RequestContext; end(): void }[] = [];
  readonly #filter: ReturnType<typeof priorityAndFairness>;

  constructor(serverSeats: number, levels: PriorityLevelConfiguration[] = [], schemas: FlowSchema[] = []) {
    this.controller = new FlowController({ clock: this.clock, serverSeats, logger: silentLogger });
    this.controller.configure(levels, schemas);
    const watches = new WatchTracker();
    this.#filter = priorityAndFairness({
      controller: this.controller,
      watches,
      estimator: new WorkEstimator(() => undefined, watches),
      metrics: new FlowMetrics(this.registry, this.controller),
      requestTimeoutSeconds: 60,
      running: this.running,
      onDropped: (ctx) => this.dropped.push(ctx.info.verb),
      now: () => new Date(this.clock.now()),
    });
  }

  /** Sends a request. `answer` is what the filter itself has answered. */
  send(name: string, url: string, groups: string[] = [], method = 'GET') {
    const sent = {
      answer: undefined as { status: number; headers: ResponseHeaders } | undefined,
      over: false,
      gone() {},
    };
    const ctx = {
      info: parseRequestInfo(method, url),
      user: { name, uid: '', groups, extra: {} },
      receivedAt: new Date(this.clock.now()),
      auditId: 'id',
      warnings: [],
      auditAnnotations: {},
      exchange: {
        onClose: (callback: () => void) => {
          sent.gone = callback;
        },
        respond: (status: number, headers: ResponseHeaders) => {
          sent.answer = { status, headers };
        },
      },
    } as unknown as RequestContext;
    const handler = () => new Promise<void>((end) => this.handling.push({ ctx, end }));
    void this.#filter(ctx, handler).then(() => {
      sent.over = true;
    });
    return sent;
  }

  async metric(name: string): Promise<string[]> {
    const lines = (await this.registry.text()).split('\n');
    return lines.filter((line) => line.startsWith(`apiserver_flowcontrol_${name}`) && !line.includes('_bucket'));
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const PODS = '/api/v1/pods';
const POD = '/api/v1/namespaces/a/pods/p';

describe('a request', () => {
  it('is served at once where there are seats', async () => {
    const world = new World(10, [level('l', 10)], [schema('u', 'l')]);
    const sent = world.send('u', POD);
    expect(world.handling).toHaveLength(1);
    expect(world.handling[0]!.ctx.flowHeaders).toEqual({
      'x-kubernetes-pf-flowschema-uid': 'schema-u',
      'x-kubernetes-pf-prioritylevel-uid': 'level-l',
    });
    expect(world.running.reads).toBe(1);
    world.handling[0]!.end();
    await settled();
    expect([sent.over, world.running.reads]).toEqual([true, 0]);
  });

  it('is refused where its level has no queues and no seats', async () => {
    const world = new World(2, [level('l', 10)], [schema('u', 'l')]);
    const seats = [...world.controller.levels].find(({ name }) => name === 'l')!.seats;
    for (let i = 0; i < seats; i++) world.send('u', POD);
    const sent = world.send('u', POD);
    await settled();
    expect(sent.answer).toMatchObject({
      status: 429,
      headers: {
        'retry-after': 1,
        'content-type': 'text/plain; charset=utf-8',
        'x-kubernetes-pf-prioritylevel-uid': 'level-l',
      },
    });
    expect(world.dropped).toEqual(['get']);
    expect(await world.metric('rejected_requests_total')).toEqual([
      'apiserver_flowcontrol_rejected_requests_total{flow_schema="u",priority_level="l",reason="concurrency-limit"} 1',
    ]);
  });

  it('waits its turn, a quarter of the time for the whole of it and no longer', async () => {
    const world = new World(1, [level('l', 1000, 10)], [schema('u', 'l')]);
    world.send('u', POD);
    const [second, third] = [world.send('u', POD), world.send('u', POD)];
    await settled();
    expect(world.handling).toHaveLength(1);
    world.clock.advance(1000);
    world.handling[0]!.end();
    await settled();
    expect(world.handling).toHaveLength(2);
    world.clock.advance(13_999);
    await settled();
    expect([second.over, third.answer?.status]).toEqual([false, undefined]);
    world.clock.advance(1);
    await settled();
    expect([second.over, third.answer?.status]).toEqual([false, 429]);
    expect(await world.metric('request_wait_duration_seconds_sum')).toEqual([
      'apiserver_flowcontrol_request_wait_duration_seconds_sum{execute="false",flow_schema="u",priority_level="l"} 15',
      'apiserver_flowcontrol_request_wait_duration_seconds_sum{execute="true",flow_schema="u",priority_level="l"} 1',
    ]);
  });

  it('leaves its queue when the client does', async () => {
    const world = new World(1, [level('l', 1000, 10)], [schema('u', 'l')]);
    world.send('u', POD);
    const second = world.send('u', POD);
    second.gone();
    await settled();
    expect(second.over).toBe(true);
    world.handling[0]!.end();
    await settled();
    expect(world.handling).toHaveLength(1);
  });

  it('of system:masters is exempt', () => {
    const world = new World(1);
    for (let i = 0; i < 50; i++) world.send('root', POD, ['system:masters']);
    expect(world.handling).toHaveLength(50);
  });

  it('that runs long is never held', () => {
    const world = new World(1, [level('l', 1)], [schema('u', 'l')]);
    for (let i = 0; i < 20; i++) world.send('u', `${POD}/log`);
    expect(world.handling).toHaveLength(20);
    expect(world.handling[0]!.ctx.flowHeaders).toBeUndefined();
  });

  it('gives its seat back when it fails', async () => {
    const world = new World(10, [level('l', 10)], [schema('u', 'l')]);
    const ctx = { info: parseRequestInfo('GET', POD), user: { name: 'u', groups: [] } } as unknown as RequestContext;
    const failing = priorityAndFairness({
      ...{ controller: world.controller, running: world.running, onDropped: () => {}, now: () => new Date() },
      ...{ watches: new WatchTracker(), requestTimeoutSeconds: 60 },
      estimator: new WorkEstimator(() => undefined, new WatchTracker()),
      metrics: new FlowMetrics(new MetricsRegistry(), world.controller),
    });
    await expect(failing(ctx, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(world.running.reads).toBe(0);
    expect([...world.controller.levels].every(({ queues }) => queues.seatsInUse === 0)).toBe(true);
  });
});

describe('a watch', () => {
  it('holds its seat until it has begun', async () => {
    const world = new World(1, [level('l', 1000, 10)], [schema('u', 'l')]);
    world.send('u', `${PODS}?watch=1`);
    const second = world.send('u', `${PODS}?watch=1`);
    await settled();
    expect(world.handling).toHaveLength(1);
    world.handling[0]!.ctx.onInitialized!();
    await settled();
    expect([world.handling.length, second.over]).toEqual([2, false]);
    world.handling[1]!.end();
    await settled();
    expect(second.over).toBe(true);
    expect(await world.metric('current_executing')).toEqual([
      'apiserver_flowcontrol_current_executing_requests{flow_schema="u",priority_level="l"} 0',
      'apiserver_flowcontrol_current_executing_seats{flow_schema="u",priority_level="l"} 0',
    ]);
  });

  it('makes writes cost more for as long as it lasts', async () => {
    const world = new World(100, [level('l', 100)], [schema('u', 'l')]);
    for (let i = 0; i < 20; i++) world.send('u', `${PODS}?watch=1`);
    for (const { ctx } of world.handling) ctx.onInitialized!();
    world.send('u', '/api/v1/namespaces/a/pods', [], 'POST');
    const { queues } = [...world.controller.levels].find(({ name }) => name === 'l')!;
    expect(queues.seatsInUse).toBe(2);
    world.handling.at(-1)!.end();
    await settled();
    expect([queues.idle, queues.seatsInUse]).toEqual([true, 2]);
    world.clock.advance(5);
    expect(queues.seatsInUse).toBe(0);
  });
});

describe('the configuration', () => {
  const names = (world: World) => [...world.controller.levels].map(({ name }) => name).sort();

  it('has exempt and catch-all whatever is stored', () => {
    const world = new World(600);
    expect(names(world)).toEqual(['catch-all', 'exempt']);
    expect(world.controller.classes.map(({ name }) => name)).toEqual(['exempt', 'catch-all']);
    world.controller.configure(bootstrapPriorityLevels, bootstrapFlowSchemas);
    expect(names(world)).toHaveLength(8);
  });

  it('that makes no sense is as if it were not there', () => {
    const broken = level('l', 1, 10);
    broken.spec.limited!.limitResponse.queuing!.handSize = 9;
    const world = new World(600, [broken], [schema('u', 'l')]);
    expect(names(world)).toEqual(['catch-all', 'exempt']);
    expect(world.controller.hasLevel('l')).toBe(false);
    world.send('u', POD);
    expect(world.controller.classes.map(({ name }) => name)).toEqual(['exempt', 'catch-all']);
  });

  it('a level that is gone stays until its requests have ended', async () => {
    const world = new World(600, [level('l', 10)], [schema('u', 'l')]);
    world.send('u', POD);
    world.controller.configure([], [schema('u', 'l')]);
    expect([names(world), world.controller.hasLevel('l')]).toEqual([['catch-all', 'exempt', 'l'], false]);
    world.handling[0]!.end();
    await settled();
    expect(names(world)).toEqual(['catch-all', 'exempt']);
  });

  it('a change keeps what waits and what is served', async () => {
    const world = new World(1, [level('l', 1000, 10)], [schema('u', 'l')]);
    world.send('u', POD);
    world.send('u', POD);
    world.controller.configure([level('l', 500, 10)], [schema('u', 'l')]);
    world.handling[0]!.end();
    await settled();
    expect(world.handling).toHaveLength(2);
  });
});

it('seats are lent to who wants them, and come back', async () => {
  const busy = level('busy', 50, 100);
  const idle = level('idle', 50, 100);
  busy.spec.limited!.borrowingLimitPercent = 100;
  idle.spec.limited!.lendablePercent = 80;
  const world = new World(20, [busy, idle], [schema('b', 'busy'), schema('i', 'idle')]);
  const seatsOf = (name: string) => [...world.controller.levels].find((l) => l.name === name)!.seats;
  const stop = world.controller.run();
  for (let i = 0; i < 60; i++) world.send('b', POD);
  world.clock.advance(10_000);
  expect(seatsOf('busy')).toBeGreaterThan(10);
  expect(seatsOf('idle')).toBeLessThan(10);
  for (let i = 0; i < 30; i++) world.send('i', POD);
  world.clock.advance(10_000);
  expect(seatsOf('idle')).toBe(10);
  stop();
});

it('dumps are tables', async () => {
  const world = new World(1, [level('some-level', 1000, 10)], [schema('u', 'some-level')]);
  world.send('u', POD);
  world.send('u', POD);
  const dump = (what: string) => {
    const url = new URL(`https://x/debug/api_priority_and_fairness/${what}`);
    const request = { method: 'GET', path: url.pathname, query: url.searchParams, headers: {}, user: {} };
    return serveDump(world.controller, request as never)?.body;
  };
  expect(dump('dump_priority_levels')).toBe(
    [
      'PriorityLevelName, ActiveQueues, IsIdle, IsQuiescing, WaitingRequests, ExecutingRequests, DispatchedRequests, RejectedRequests, TimedoutRequests, CancelledRequests',
      'catch-all,         0,            true,   false,       0,               0,                 0,                  0,                0,                0',
      'exempt,            0,            true,   false,       0,               0,                 0,                  0,                0,                0',
      'some-level,        1,            false,  false,       1,               1,                 1,                  0,                0,                0',
      '',
    ].join('\n'),
  );
  expect(dump('dump_queues')).toBe(
    [
      'PriorityLevelName, Index,  PendingRequests, ExecutingRequests, SeatsInUse, NextDispatchR, InitialSeatsSum, MaxSeatsSum, TotalWorkSum',
      'some-level,        0,      1,               1,                 1,          0.00300000ss,  1,               1,           0.00300000ss',
      '',
    ].join('\n'),
  );
  expect(dump('dump_requests?includeRequestDetails=1')).toBe(
    [
      'PriorityLevelName, FlowSchemaName, QueueIndex, RequestIndexInQueue, FlowDistingsher, ArriveTime,             InitialSeats, FinalSeats, AdditionalLatency, StartTime,              UserName, Verb,   APIPath,                     Namespace, Name,   APIVersion, Resource, SubResource',
      'some-level,        u,              0,          0,                   ,                2026-01-02T03:04:05.6Z, 1,            0,          0s,                0001-01-01T00:00:00Z,   u,        get,    /api/v1/namespaces/a/pods/p, a,         p,      v1,         pods,     ',
      'some-level,        u,              0,          -1,                  ,                2026-01-02T03:04:05.6Z, 1,            0,          0s,                2026-01-02T03:04:05.6Z, u,        get,    /api/v1/namespaces/a/pods/p, a,         p,      v1,         pods,     ',
      '',
    ].join('\n'),
  );
  expect(dump('dump_everything')).toBeUndefined();
});
