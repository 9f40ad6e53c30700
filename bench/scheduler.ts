/**
 * How many pods a second the scheduler finds nodes for, without a server: queue, cycle, cache and binding, where the binding
 * answers at once.
 *
 *   npm run bench:scheduler -- [--nodes N] [--pods N] [--only WORKLOAD] [--alone: pods share no ranking of nodes]
 */

import { parseArgs } from 'node:util';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { Client, type ResourceName, storeKey, systemWorld } from '@keelson/client';
import { Store } from '@keelson/client/informer/store';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Cache } from '@keelson/scheduler/cache/cache';
import { Snapshot } from '@keelson/scheduler/cache/snapshot';
import { defaultProfile } from '@keelson/scheduler/config/defaults';
import type { ProfileConfiguration } from '@keelson/scheduler/config/types';
import { Algorithm } from '@keelson/scheduler/cycle/algorithm';
import { Binder } from '@keelson/scheduler/cycle/binding';
import { Permits } from '@keelson/scheduler/cycle/permits';
import { Scheduler } from '@keelson/scheduler/cycle/scheduler';
import type { Listers } from '@keelson/scheduler/framework/plugin';
import { Profile } from '@keelson/scheduler/framework/profile';
import { sampled } from '@keelson/scheduler/framework/sampled';
import { SchedulerMetrics } from '@keelson/scheduler/metrics';
import { registry } from '@keelson/scheduler/plugins/registry';
import { Hints } from '@keelson/scheduler/queue/hints';
import { SchedulingQueue } from '@keelson/scheduler/queue/queue';
import { makeNode, makePod, type PodParts } from '@keelson/scheduler/testing/objects';

const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '5000' },
    only: { type: 'string', default: '' },
    alone: { type: 'boolean', default: false },
  },
});
const [nodes, pods] = [Number(flags.nodes), Number(flags.pods)];
const world = systemWorld({ ...silentLogger, warn: console.warn, error: console.error });
const requests = { cpu: '100m', memory: '128Mi' };
const app = (i: number) => ({ app: `app-${i % 50}` });
const term = (i: number, topologyKey: string) => ({ topologyKey, labelSelector: { matchLabels: app(i) } });

/** Each takes a node for itself: give it as many nodes as pods. */
const FILLING = 'that fill their node';

const workloads: Readonly<Record<string, (i: number) => PodParts>> = {
  plain: () => ({ requests }),
  [FILLING]: () => ({ requests: { cpu: '16', memory: '1Gi' } }),
  'of services': (i) => ({ requests, labels: app(i) }),
  'spread by zone': (i) => ({
    requests,
    labels: app(i),
    spec: {
      topologySpreadConstraints: [
        { maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', ...term(i, 'topology.kubernetes.io/zone') },
      ],
    },
  }),
  'away from their like': (i) => ({
    requests,
    labels: app(i),
    spec: {
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(i, 'kubernetes.io/hostname')] },
      },
    },
  }),
  'near their like': (i) => ({
    requests,
    labels: app(i),
    spec: {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 10, podAffinityTerm: term(i, 'topology.kubernetes.io/zone') },
          ],
        },
      },
    },
  }),
};

const report = (what: string, value: number, unit: string) =>
  console.log(`  ${what.padEnd(52)}${Number(value.toPrecision(3)).toLocaleString('en').padStart(10)} ${unit}`);

console.log(`${pods} pods on ${nodes} nodes`);
for (const [name, parts] of Object.entries(workloads)) {
  if (flags.only !== '' && flags.only !== name) continue;
  const { seconds, cpuSeconds, longest } = await run(parts, name === FILLING);
  report(`pods ${name}`, pods / seconds, 'pods/s');
  report('  with a core for itself', pods / cpuSeconds, 'pods/s');
  report('  the loop was busy for at most', longest, 'ms');
}

/** Where nothing is spread by default pods may be alike. */
function withoutSpreading(): ProfileConfiguration {
  const profile = defaultProfile();
  const args = new Map(profile.args);
  args.set('PodTopologySpread', { defaultingType: 'List', defaultConstraints: [] });
  return { ...profile, args };
}

async function run(
  parts: (i: number) => PodParts,
  unspread = false,
): Promise<{ seconds: number; cpuSeconds: number; longest: number }> {
  const stores = new Map<ResourceName, Store<TypedObject>>();
  const store = (resource: ResourceName) => {
    const found = stores.get(resource) ?? new Store<TypedObject>();
    stores.set(resource, found);
    return found;
  };
  for (let i = 0; i < 50; i++) {
    const service = { metadata: { namespace: 'default', name: `s-${i}` }, spec: { selector: app(i) } };
    store('services').put(`default/s-${i}`, service as TypedObject);
  }
  const cache = new Cache();
  const snapshot = new Snapshot();
  for (let i = 0; i < nodes; i++) {
    const labels = { 'topology.kubernetes.io/zone': `z-${i % 3}` };
    cache.putNode(makeNode(`node-${i}`, { labels, allocatable: { cpu: '16', memory: '64Gi' } }));
  }
  let bound = 0;
  const over = new AbortController();
  const client = new Client({
    component: 'bench',
    world,
    transport: {
      async send() {
        bound += 1;
        if (bound === pods) over.abort();
        return { status: 201, headers: {}, body: answer() };
      },
      close() {},
    },
  });
  const recorder = { event() {} };
  const permits = new Permits(world.clock);
  const current = (key: string) => store('pods').get(key) as Pod | undefined;
  const listers = ((resource: ResourceName) => store(resource)) as unknown as Listers;
  const metrics = new SchedulerMetrics(
    new MetricsRegistry(),
    {
      pending: () => queue.counts(),
      cached: () => ({ nodes: 0, pods: 0, assumed_pods: 0 }),
      inFlight: () => queue.inFlightEvents(),
    },
    () => performance.now() / 1000,
  );
  const nominations = { on: (node: string) => queue.nominations.on(node) };
  const writer = {
    client,
    recorder,
    activate() {},
    preempted() {},
    evicting: () => () => {},
    claimCreated() {},
    awaiting: () => () => {},
    clearNominations: async () => {},
    giveUp: () => false,
  };
  const context = {
    profile: 'default-scheduler',
    snapshot,
    listers,
    nominations,
    world,
    writer,
    isEnabled: isEnabledByDefault,
  };
  const profile = new Profile(unspread ? withoutSpreading() : defaultProfile(), registry, context);
  const queue: SchedulingQueue = new SchedulingQueue({
    clock: world.clock,
    compare: (a, b) => profile.plugins.queueSort[0]!.compare!(a, b),
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    popsEarly: true,
    hints: new Hints(new Map([[profile.name, profile.interests()]]), console.error),
    preEnqueue: (pod, gate) => profile.preEnqueue(pod, gate),
    current,
    observer: metrics,
    ready: () => scheduler.ready(),
  });
  const algorithm = new Algorithm({
    snapshot,
    percentageOfNodesToScore: 0,
    extenders: undefined,
    random: world.random,
    metrics,
    batches: !flags.alone,
  });
  const common = { client, cache, queue, permits, recorder, metrics, log: world.log };
  const failed = (...failure: Parameters<Scheduler['fail']>) => scheduler.fail(...failure);
  const binder: Binder = new Binder({ ...common, extenders: undefined, tellsNodes: true, failed });
  const profileOf = sampled(new Map([[profile.name, profile]]), metrics, world.random);
  const scheduler: Scheduler = new Scheduler({ ...common, snapshot, profileOf, algorithm, binder, current });
  for (let i = 0; i < pods; i++) {
    const pod = makePod(`pod-${i}`, parts(i));
    store('pods').put(storeKey(pod), pod);
    queue.add(pod);
  }
  const begun = performance.now();
  const before = process.cpuUsage();
  let [longest, last] = [0, begun];
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await scheduler.run(over.signal);
  clearInterval(watch);
  queue.close();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6, longest };
}

async function* answer(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"kind":"Status","status":"Success"}');
}
