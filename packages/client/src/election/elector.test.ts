import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import { describe, expect, it } from 'vitest';
import { Client } from '../rest/client.ts';
import { ConnectionError } from '../rest/transport.ts';
import { FakeObjects } from '../testing/objects.ts';
import { FakeTransport } from '../testing/transport.ts';
import { manualWorld } from '../testing/world.ts';
import { type ElectionOptions, LeaderElector } from './elector.ts';

function arena() {
  const world = manualWorld();
  const leases = new FakeObjects();
  const cut = new Set<string>();
  const log: string[] = [];
  const begun = world.clock.now();
  const at = () => Math.round((world.clock.now() - begun) / 1000);
  const candidate = (identity: string, options: Partial<ElectionOptions> = {}) => {
    const transport = new FakeTransport((request) => {
      if (cut.has(identity)) throw new ConnectionError('unreachable', 'cut');
      return leases.answer(request);
    });
    const client = new Client({ transport, component: identity, world });
    const recorder = {
      event: (...[, , reason, message]: [unknown, unknown, string, string]) => void log.push(`${reason}: ${message}`),
    };
    const elector = new LeaderElector({
      client,
      namespace: 'kube-system',
      name: 'lock',
      identity,
      recorder,
      ...options,
    });
    const controller = new AbortController();
    const outcome = elector.run(async (signal) => {
      log.push(`${at()} ${identity} leads`);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      log.push(`${at()} ${identity} over`);
    }, controller.signal);
    return { elector, outcome, stop: () => controller.abort(new Error('stop')) };
  };
  const spec = () => (leases.objects.get('lock') as Lease | undefined)?.spec;
  return { world, candidate, cut, log, spec, leases };
}

describe('LeaderElector', () => {
  it('the first leads and renews; the second waits', async () => {
    const { world, candidate, log, spec } = arena();
    const a = candidate('a', { labels: { l: 'v' } });
    await world.pass(100);
    const b = candidate('b');
    expect(spec()).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      renewTime: '2026-01-01T00:00:00.000000Z',
    });
    await world.pass(60_000);
    expect(log).toEqual(['LeaderElection: a became leader', '0 a leads']);
    expect([a.elector.leads, b.elector.leads, b.elector.leader]).toEqual([true, false, 'a']);
    expect(spec()!.acquireTime).toBe('2026-01-01T00:00:00.000000Z');
    expect(Date.parse(spec()!.renewTime!)).toBeGreaterThan(Date.parse('2026-01-01T00:00:56Z'));
    a.stop();
    b.stop();
    expect(await Promise.all([a.outcome, b.outcome])).toEqual(['cancelled', 'cancelled']);
    expect(spec()!.holderIdentity).toBe('a');
  });

  it('one that is cut off steps down before another takes over', async () => {
    const { world, candidate, cut, log, spec } = arena();
    const leaders: string[] = [];
    const a = candidate('a');
    await world.pass(100);
    const b = candidate('b', { onLeader: (identity) => leaders.push(identity) });
    await world.pass(1000);
    cut.add('a');
    await world.pass(40_000);
    expect(await a.outcome).toBe('lost');
    const times = log.filter((line) => /^\d/.test(line)).map((line) => line.split(' '));
    expect(times.map(([, ...what]) => what.join(' '))).toEqual(['a leads', 'a over', 'b leads']);
    expect(Number(times[1]![0])).toBeLessThan(Number(times[2]![0]));
    expect(spec()).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    expect(leaders).toEqual(['a', 'b']);
    b.stop();
    await b.outcome;
  });

  it('one that is cancelled releases the lease after it has ended, so that the next need not wait', async () => {
    const { world, candidate, log, spec } = arena();
    const a = candidate('a', { release: true });
    await world.pass(100);
    const b = candidate('b');
    await world.pass(1000);
    a.stop();
    expect(await a.outcome).toBe('cancelled');
    expect(spec()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect(a.elector.leader).toBe('');
    await world.pass(5000);
    expect(b.elector.leads).toBe(true);
    expect(log.filter((line) => line.startsWith('LeaderElection'))).toEqual([
      'LeaderElection: a became leader',
      'LeaderElection: a stopped leading',
      'LeaderElection: b became leader',
    ]);
    b.stop();
    await b.outcome;
  });

  it('a leader whose lease was written by another hand reads it again', async () => {
    const { world, candidate, spec, leases } = arena();
    const a = candidate('a');
    await world.pass(100);
    const lease = leases.objects.get('lock')!;
    leases.objects.set('lock', {
      ...lease,
      metadata: { ...lease.metadata, resourceVersion: '99', labels: { seen: 'yes' } },
    });
    await world.pass(10_000);
    expect(a.elector.leads).toBe(true);
    expect(spec()!.leaseTransitions).toBe(0);
    expect(leases.objects.get('lock')!.metadata.labels).toEqual({ seen: 'yes' });
    a.stop();
    await a.outcome;
  });

  it.each([
    [{ leaseDurationMs: 10_000 }, 'leaseDuration must be greater than renewDeadline'],
    [{ retryPeriodMs: 9_000 }, 'renewDeadline must be greater than retryPeriod*JitterFactor'],
    [{ identity: '' }, 'no identity'],
  ])('%j is refused', (options, message) => {
    const client = new Client({ transport: new FakeTransport(() => ({})), component: 'x', world: manualWorld() });
    expect(() => new LeaderElector({ client, namespace: 'n', name: 'l', identity: 'i', ...options })).toThrow(message);
  });
});
