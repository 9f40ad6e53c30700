import type { Event } from '@keelson/api/generated/types/core/v1';
import type { Event as SeriesEvent } from '@keelson/api/generated/types/events/v1';
import { silentLogger } from '@keelson/component/logs/logger';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../rest/client.ts';
import { ConnectionError } from '../rest/transport.ts';
import { FakeObjects } from '../testing/objects.ts';
import { FakeTransport } from '../testing/transport.ts';
import { manualWorld } from '../testing/world.ts';
import { ApiEventRecorder } from './recorder.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function fixture(api: 'v1' | 'events.k8s.io/v1') {
  const warnings: [object, string][] = [];
  const log = { ...silentLogger, warn: (fields: object, message: string) => void warnings.push([fields, message]) };
  const world = { ...manualWorld(), log };
  const events = new FakeObjects();
  const state = { failure: undefined as Error | undefined, gate: undefined as Promise<void> | undefined, atOnce: 0 };
  let underWay = 0;
  const transport = new FakeTransport(async (request) => {
    if (state.failure) throw state.failure;
    state.atOnce = Math.max(state.atOnce, ++underWay);
    await state.gate;
    underWay--;
    return events.answer(request);
  });
  const client = new Client({ transport, component: 'test', world });
  const source = { component: 'kubelet', host: 'n1' };
  const recorder = new ApiEventRecorder({ client, source, api, newId: () => 'an-id' });
  cleanups.push(() => recorder.stop());
  const stored = <T>() => [...events.objects.values()] as unknown as T[];
  const methods = () => transport.requests.map(({ method }) => method).join(' ');
  return { world, warnings, events, state, recorder, transport, stored, methods };
}

const pod = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { namespace: 'ns', name: 'web', uid: 'u', resourceVersion: '7' },
};

describe('events of v1', () => {
  it('are told, however soon they come behind the last one', async () => {
    for (let steps = 0; steps < 120; steps++) {
      const { recorder, stored, world } = fixture('v1');
      recorder.event(pod, 'Normal', 'Pulled', 'first');
      for (let i = 0; i < steps; i++) await Promise.resolve();
      recorder.event(pod, 'Normal', 'Created', 'second');
      await world.pass(0);
      expect(stored(), `${steps} steps`).toHaveLength(2);
    }
  });

  it('say what happened to what, when, and who says it', async () => {
    const { recorder, stored, transport } = fixture('v1');
    recorder.event(pod, 'Normal', 'Pulled', 'image is there', { annotations: { a: 'b' } });
    await recorder.flush();
    expect(transport.requests[0]!.path).toBe('/api/v1/namespaces/ns/events');
    expect(stored<Event>()).toEqual([
      {
        metadata: {
          name: expect.stringMatching(/^web\.[0-9a-f]{16}$/),
          namespace: 'ns',
          annotations: { a: 'b' },
          resourceVersion: '1',
        },
        involvedObject: { kind: 'Pod', apiVersion: 'v1', namespace: 'ns', name: 'web', uid: 'u', resourceVersion: '7' },
        reason: 'Pulled',
        message: 'image is there',
        source: { component: 'kubelet', host: 'n1' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 1,
        type: 'Normal',
        reportingComponent: 'kubelet',
        reportingInstance: 'n1',
      },
    ]);
  });

  it('are counted when they come again, and created again when they are gone', async () => {
    const { recorder, stored, methods, world, events } = fixture('v1');
    recorder.event(pod, 'Warning', 'BackOff', 'restarting');
    await recorder.flush();
    world.clock.advance(5000);
    recorder.event(pod, 'Warning', 'BackOff', 'restarting');
    await recorder.flush();
    expect(stored<Event>()).toMatchObject([
      { count: 2, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:05Z' },
    ]);
    events.objects.clear();
    recorder.event(pod, 'Warning', 'BackOff', 'restarting');
    await recorder.flush();
    expect(methods()).toBe('POST PATCH PATCH POST');
    expect(stored<Event>()).toMatchObject([{ count: 3 }]);
  });

  it('of one reason are combined from the tenth message on', async () => {
    const { recorder, stored, world } = fixture('v1');
    for (let i = 0; i < 12; i++) recorder.event(pod, 'Warning', 'Failed', `attempt ${i}`);
    await recorder.flush();
    const all = stored<Event>().map(({ message, count }) => `${count} ${message}`);
    expect(all.slice(0, 9)).toEqual(Array.from({ length: 9 }, (_, i) => `1 attempt ${i}`));
    expect(all.slice(9)).toEqual(['3 (combined from similar events): attempt 11']);
    world.clock.advance(10 * 60 * 1000 + 1);
    recorder.event(pod, 'Warning', 'Failed', 'attempt 13');
    await recorder.flush();
    expect(stored<Event>().at(-1)!.message).toBe('attempt 13');
  });

  it('about one object are 25 at once, and then one in five minutes', async () => {
    const { recorder, world, transport } = fixture('v1');
    for (let i = 0; i < 40; i++) recorder.event(pod, 'Normal', `Reason${i}`, 'message');
    await recorder.flush();
    expect(transport.requests.length).toBe(25);
    recorder.event({ ...pod, metadata: { ...pod.metadata, uid: 'other' } }, 'Normal', 'Reason', 'message');
    await recorder.flush();
    expect(transport.requests.length).toBe(26);
    world.clock.advance(300_000);
    for (let i = 0; i < 3; i++) recorder.event(pod, 'Normal', `Later${i}`, 'message');
    await recorder.flush();
    expect(transport.requests.length).toBe(27);
  });

  it('wait while the server is away, and are dropped when too many wait, which is said twice', async () => {
    const { recorder, world, warnings, state, stored } = fixture('v1');
    state.failure = new ConnectionError('unreachable', 'away');
    for (let i = 0; i < 1100; i++) {
      recorder.event(
        { ...pod, metadata: { ...pod.metadata, name: `pod-${i}`, uid: String(i) } },
        'Normal',
        'Reason',
        'message',
      );
    }
    await world.pass(20_000);
    expect(warnings).toEqual([
      [{ event: expect.stringMatching(/^pod-1001\./) }, 'Too many events wait to be recorded: more are dropped'],
    ]);
    state.failure = undefined;
    await world.pass(20_000);
    await recorder.flush();
    expect(stored<Event>().length).toBe(1001);
    expect(warnings.slice(1)).toEqual([[{ dropped: 99 }, 'Events were dropped, as too many waited']]);
  });

  it('that the server refuses are given up', async () => {
    const { recorder, transport, events } = fixture('v1');
    events.answer = () => ({ status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden' } });
    recorder.event(pod, 'Normal', 'One', 'message');
    recorder.event(pod, 'Normal', 'Two', 'message');
    await recorder.flush();
    expect(transport.requests.length).toBe(2);
  });

  it('about objects whose names events cannot have get an id; about those of the cluster they are in default', async () => {
    const { recorder, stored } = fixture('v1');
    const reference = { kind: 'ClusterRole', apiVersion: 'rbac.authorization.k8s.io/v1', name: 'system:node' };
    recorder.event({ reference }, 'Normal', 'Reason', 'message');
    await recorder.flush();
    expect(stored<Event>()[0]!.metadata).toMatchObject({ name: 'an-id', namespace: 'default' });
  });
});

describe('events of events.k8s.io/v1', () => {
  it('become a series, which is told of at its second event and when it is over', async () => {
    const { recorder, stored, methods, world } = fixture('events.k8s.io/v1');
    const happen = () => recorder.event(pod, 'Warning', 'FailedScheduling', 'no nodes', { action: 'Scheduling' });
    happen();
    await recorder.flush();
    expect(stored<SeriesEvent>()).toMatchObject([
      {
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'kubelet',
        reportingInstance: 'kubelet-n1',
        action: 'Scheduling',
        note: 'no nodes',
        regarding: { name: 'web' },
      },
    ]);
    expect(stored<SeriesEvent>()[0]!.series).toBe(undefined);
    for (let i = 0; i < 5; i++) {
      world.clock.advance(1000);
      happen();
    }
    await recorder.flush();
    expect(methods()).toBe('POST PATCH');
    expect(stored<SeriesEvent>()[0]!.series).toEqual({ count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' });
    await world.pass(13 * 60 * 1000);
    expect(methods()).toBe('POST PATCH PATCH');
    expect(stored<SeriesEvent>()[0]!.series).toEqual({ count: 6, lastObservedTime: '2026-01-01T00:00:05.000000Z' });
    happen();
    await recorder.flush();
    expect(stored<SeriesEvent>().length).toBe(2);
  });

  it('are told four at a time, one that waits for its first telling included, and many may wait', async () => {
    const { recorder, stored, methods, state } = fixture('events.k8s.io/v1');
    let open: () => void = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const happen = (uid: string) =>
      recorder.event({ ...pod, metadata: { ...pod.metadata, uid } }, 'Normal', 'Scheduled', '', { action: 'Binding' });
    happen('first');
    happen('first');
    for (let i = 0; i < 2000; i++) happen(String(i));
    open();
    await recorder.flush();
    expect(state.atOnce).toBe(3);
    expect(stored<SeriesEvent>().length).toBe(2001);
    expect(methods().match(/PATCH/g)).toEqual(['PATCH']);
    expect(stored<SeriesEvent>()[0]!.series).toMatchObject({ count: 2 });
  });

  it('that go on are told of every half hour', async () => {
    const { recorder, methods, world } = fixture('events.k8s.io/v1');
    for (let minute = 0; minute < 75; minute++) {
      recorder.event(pod, 'Warning', 'FailedScheduling', 'no nodes', { action: 'Scheduling' });
      world.clock.advance(60_000);
    }
    await recorder.flush();
    expect(methods()).toBe('POST PATCH PATCH PATCH');
  });
});
