import { ManualClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { beforeEach, expect, test } from 'vitest';
import { ProxyHealth } from './health/proxy-health.ts';
import { proxyMetrics } from './metrics.ts';
import { Proxier } from './proxier.ts';
import type { Rules } from './rules/rules.ts';
import type { Surroundings } from './rules/service.ts';

let clock: ManualClock;
let registry: MetricsRegistry;
let health: ProxyHealth;
let services: Map<string, Rules>;
let place: Surroundings;
let applied: string[];
/** How many of the next transactions fail. */
let failures: number;
let written: (readonly string[] | undefined)[];
let proxier: Proxier;

const rules = (verdict: string): Rules => ({
  chains: new Map([['service-x/', { hook: '', rules: [verdict] }]]),
  sets: new Map(),
  elements: [],
});
/** Lets promises have their turns. */
const turns = () => new Promise(setImmediate);
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await turns();
}
const last = () => applied.at(-1)!.replaceAll(' ip kube-proxy', '');
const isFull = (text: string | undefined) => text?.includes('delete table') ?? false;

beforeEach(() => {
  clock = new ManualClock(1_000_000);
  registry = new MetricsRegistry();
  [applied, written, failures, services] = [[], [], 0, new Map([['ns/a', rules('one')]])];
  place = {
    family: 'IPv4',
    nodeName: 'here',
    zone: '',
    nodeIp: undefined,
    mark: '0x4000',
    masqueradeAll: false,
    fromPods: undefined,
    nodePortIps: [],
    serviceRanges: [],
  };
  const metrics = proxyMetrics(registry);
  health = new ProxyHealth(60_000, () => clock.now(), metrics);
  health.updated('IPv4');
  proxier = new Proxier({
    family: 'IPv4',
    nft: {
      apply: async (text) => {
        if (failures > 0) {
          failures--;
          throw new Error('no');
        }
        applied.push(text);
      },
      remembered: async () => [],
    },
    world: { clock, random: () => 0, log: silentLogger },
    metrics,
    health,
    minSyncMs: 1_000,
    syncMs: 30_000,
    surroundings: () => place,
    services: () => services.keys(),
    rulesOf: (service) => services.get(service),
    written: async (changed) => void written.push(changed && [...changed]),
  });
});

test('first everything, then what changed, of several changes at once', async () => {
  await proxier.start();
  expect(isFull(applied[0])).toBe(true);
  services.set('ns/a', rules('two'));
  proxier.changed('ns/a');
  proxier.changed('ns/b');
  await pass(999);
  expect(applied).toHaveLength(1);
  await pass(1);
  expect(last().split('\n')).toContain('add rule service-x/ two');
  expect(isFull(last())).toBe(false);
  expect(written).toEqual([undefined, ['ns/a', 'ns/b']]);
});

test('a change that changes nothing is no transaction', async () => {
  await proxier.start();
  proxier.changed('ns/a');
  await pass(5_000);
  expect(applied).toHaveLength(1);
});

test('after a failure everything is written again, and until then it is not well', async () => {
  await proxier.start();
  failures = 1;
  services.set('ns/a', rules('two'));
  proxier.changed('ns/a');
  await pass(1_000);
  expect(applied).toHaveLength(1);
  await pass(29_000);
  await pass(1_000);
  expect(isFull(last())).toBe(true);
  expect(last()).toContain('two');
  expect(await registry.text()).toContain('nftables_sync_failures_total{ip_family="IPv4"} 1');
});

test('a change that waits too long', async () => {
  await proxier.start();
  failures = 10;
  services.set('ns/a', rules('two'));
  proxier.changed('ns/a');
  for (let i = 0; i < 2; i++) await pass(29_000);
  expect(health.isHealthy).toBe(true);
  await pass(2_000);
  expect(health.isHealthy).toBe(false);
  expect(health.live()).toMatchObject({ status: 503 });
  failures = 0;
  for (let i = 0; i < 2; i++) await pass(31_000);
  expect(health.live()).toMatchObject({ status: 200 });
});

test('another place: everything', async () => {
  await proxier.start();
  place = { ...place, nodeIp: '10.0.0.1', nodePortIps: ['10.0.0.1'] };
  proxier.changed();
  await pass(1_000);
  expect(isFull(last())).toBe(true);
});

test('chains of no use are deleted by themselves, and what cannot be is made anew', async () => {
  await proxier.start();
  services.delete('ns/a');
  proxier.changed('ns/a');
  await pass(1_000);
  expect(last()).toBe('flush chain service-x/\n');
  await pass(1_500);
  expect(last()).toBe('delete chain service-x/\n');
  await pass(3_600_000);
  expect(isFull(last())).toBe(true);
});

test('what changes while rules are written is written after', async () => {
  await proxier.start();
  services.set('ns/a', rules('two'));
  proxier.changed('ns/a');
  clock.advance(1_000);
  services.set('ns/a', rules('three'));
  proxier.changed('ns/a');
  await turns();
  await pass(1_000);
  expect(applied.join('')).toContain('three');
});

test('the end, with and without the rules', async () => {
  await proxier.start();
  await proxier.stop(false);
  expect(applied).toHaveLength(1);
  await proxier.stop(true);
  expect(last()).toBe('add table\ndelete table\n');
  proxier.changed('ns/a');
  await pass(10_000);
  expect(applied).toHaveLength(2);
});

test('a node that is about to go is not for load balancers, but lives', () => {
  const node = { metadata: { name: 'here' }, spec: {} };
  const leaving = { ...node, spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } };
  expect(health.health(node as never)).toMatchObject({ status: 200 });
  expect(health.health(leaving as never)).toMatchObject({ status: 503 });
  expect(health.health(undefined)).toMatchObject({ status: 503 });
  expect(JSON.parse(health.health(leaving as never).body)).toMatchObject({
    nodeEligible: false,
    healthy: true,
    status: { IPv4: { healthy: true } },
  });
  expect(health.live()).toMatchObject({ status: 200 });
});
