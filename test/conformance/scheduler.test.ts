/**
 * The same clusters and pods for kube-scheduler itself and for ours: why no node will do has to be said in the same words,
 * and the node that upstream chooses has to be one that scores highest here. KUBE_SCHEDULER names upstream's binary.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type {
  AllocationResult,
  DeviceClass,
  ResourceClaim,
  ResourceSlice,
} from '@keelson/api/generated/types/resource/v1';
import type { TypedObject } from '@keelson/api/object';
import {
  type Client,
  connect,
  type Draft,
  loadKubeconfig,
  type ResourceName,
  storeKey,
  systemWorld,
} from '@keelson/client';
import { Store } from '@keelson/client/informer/store';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { Explainer } from '@keelson/scheduler';
import { parseConfiguration } from '@keelson/scheduler/config/read';
import { Allocator } from '@keelson/scheduler/devices/allocator';
import { byResource, deviceResources, requestsFor } from '@keelson/scheduler/devices/extended-resources';
import { claimsOf } from '@keelson/scheduler/devices/pod-claims';
import { Pools } from '@keelson/scheduler/devices/pools';
import { Selectors } from '@keelson/scheduler/devices/selectors';
import { ClaimTracker } from '@keelson/scheduler/devices/tracker';
import { PodInfo } from '@keelson/scheduler/pods/pod-info';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { freePort } from '../support/process.ts';
import { clusters } from './scheduler-clusters.ts';
import { devicesCluster, extendedCluster } from './scheduler-devices.ts';

const binary = process.env.KUBE_SCHEDULER;
const namespace = 'default';
const world = systemWorld();
/** Extended resources count for scores where pods ask for them; in NodeResourcesBalancedAllocation they end upstream's process. */
const scored = ['cpu', 'memory', 'example.com/gpu', 'example.com/nic'].map((name) => ({ name, weight: 1 }));
const CONFIGURATION = {
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  leaderElection: { leaderElect: false },
  percentageOfNodesToScore: 100,
  podInitialBackoffSeconds: 1,
  profiles: [
    {
      pluginConfig: [
        { name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'LeastAllocated', resources: scored } } },
      ],
    },
  ],
};
const ours = parseConfiguration(Buffer.from(JSON.stringify(CONFIGURATION)));
let server: ApiServer;
let client: Client;
let upstream: ChildProcess;

describe.skipIf(binary === undefined)('kube-scheduler and ours', () => {
  beforeAll(async () => {
    server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'memory' : 'etcd');
    client = connect(await loadKubeconfig(server.kubeconfig), { component: 'test', world });
    const configuration = join(server.directory, 'scheduler.json');
    await writeFile(
      configuration,
      JSON.stringify({
        ...CONFIGURATION,
        clientConnection: { kubeconfig: server.kubeconfig, qps: 1000, burst: 1000 },
      }),
    );
    const port = await freePort();
    upstream = spawn(binary!, [`--config=${configuration}`, `--secure-port=${port}`, '--bind-address=127.0.0.1'], {
      stdio: process.env.DEBUG ? 'inherit' : 'ignore',
    });
    await client
      .resource('serviceaccounts')
      .create({ metadata: { namespace, name: 'default' } })
      .catch(() => {});
    const labels = { 'resource.kubernetes.io/admin-access': 'true' };
    await client.resource('namespaces').patch({ name: namespace }, 'merge', { metadata: { labels } });
  }, 60_000);

  afterAll(async () => {
    upstream?.kill();
    client?.close();
    await server?.stop();
  });

  it.each(
    [...clusters, ...[1, 2, 3, 4].map(devicesCluster), ...[1, 2, 3].map(extendedCluster)].map(
      (cluster) => [cluster.name, cluster] as const,
    ),
  )(
    '%s',
    async (_, { nodes, pods, others, wanted }) => {
      try {
        for (const { kind, ...object } of others) await client.resource(kind).create(object as never);
        for (const node of nodes) await createNode(node);
        for (const pod of pods) await client.resource('pods').create(pod);
        for (const pod of wanted) await compare(pod);
      } finally {
        await clear(others.map(({ kind }) => kind));
      }
    },
    120_000,
  );
});

async function createNode(node: Draft<Node>): Promise<void> {
  const nodes = client.resource('nodes');
  const created = await nodes.create({ metadata: node.metadata!, spec: node.spec ?? {} });
  const status = { ...created.status, ...node.status } as typeof created.status;
  await nodes.updateStatus({ ...created, status });
  await nodes.patch(node.metadata as { name: string }, 'merge', { spec: { taints: node.spec?.taints ?? null } });
}

/** Has the pod scheduled by upstream, and compares with what we think of it. */
async function compare(draft: Draft<Pod>): Promise<void> {
  const pods = client.resource('pods');
  const before = await snapshot();
  const pod = await pods.create(draft);
  const key = { namespace, name: pod.metadata.name! };
  let decided: Pod = pod;
  await expect
    .poll(
      async () => {
        decided = await pods.get(key);
        return decided.spec.nodeName ?? decided.status.conditions?.find(({ type }) => type === 'PodScheduled')?.reason;
      },
      { timeout: 15_000, interval: 30 },
    )
    .toBeTruthy();
  await pods.delete(key, { gracePeriodSeconds: 0 });
  const explanation = explain(pod, before);
  const condition = decided.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (decided.spec.nodeName) {
    const fitting = explanation.nodes.filter(({ fits }) => fits);
    const best = Math.max(...fitting.map(({ total = 0 }) => total));
    const chosen = fitting.find(({ node }) => node === decided.spec.nodeName);
    expect({ pod: key.name, chosen: chosen && { node: chosen.node, total: chosen.total ?? 0 } }).toEqual({
      pod: key.name,
      chosen: { node: decided.spec.nodeName, total: best },
    });
    await compareDevices(pod, decided.spec.nodeName, before);
    await compareExtended(decided, before);
  } else {
    expect({ pod: key.name, message: explanation.message }).toEqual({ pod: key.name, message: condition!.message });
  }
}

type Collections = ReadonlyMap<ResourceName, readonly TypedObject[]>;

async function snapshot(): Promise<Collections> {
  const { collections } = new Explainer(ours, world);
  const lists = collections.map(async (name) => [name, (await client.resource(name).list()).items] as const);
  return new Map(await Promise.all(lists)) as Collections;
}

function explain(pod: Pod, collections: Collections) {
  const explainer = new Explainer(ours, world);
  for (const [name, objects] of collections) explainer.put(name, objects);
  return explainer.explain(pod);
}

/** What claims of the pod have got has to be what we would have given them. */
async function compareDevices(pod: Pod, nodeName: string, collections: Collections): Promise<void> {
  const { claims, allocator } = allocatorFor(pod, collections);
  if (claims.length === 0) return;
  const node = collections.get('nodes')!.find(({ metadata }) => metadata.name === nodeName) as Node;
  const allocated = allocator.allocate(node) as AllocationResult[];
  const list = await client.resource('resourceclaims.resource.k8s.io').list();
  const theirs = claims.map(({ metadata }) => list.items.find((each) => each.metadata.uid === metadata.uid)!);
  const given = theirs.map(({ status }) => status!.allocation!);
  expect({ pod: pod.metadata.name, given: allocated.map(comparable) }).toEqual({
    pod: pod.metadata.name,
    given: given.map(comparable),
  });
}

/** The claim for extended resources has to be the one that we would have made. */
async function compareExtended(pod: Pod, collections: Collections): Promise<void> {
  const name = pod.metadata.name;
  const { status, spec } = pod;
  const { requests, mappings } = requestsOnNode(pod, collections);
  expect({ name, mappings: status.extendedResourceClaimStatus?.requestMappings ?? [] }).toEqual({ name, mappings });
  if (mappings.length === 0) return;
  const { resourceClaimName } = status.extendedResourceClaimStatus!;
  const claims = client.resource('resourceclaims.resource.k8s.io');
  const key = { namespace, name: resourceClaimName };
  const claim = await claims.get(key);
  expect(claim.spec.devices!.requests).toEqual(requests);
  const { allocator } = allocatorFor({ ...pod, spec: { ...spec, resourceClaims: [] } }, collections, [
    { ...claim, status: {} },
  ]);
  const node = collections.get('nodes')!.find(({ metadata }) => metadata.name === spec.nodeName) as Node;
  expect((allocator.allocate(node) as AllocationResult[]).map(comparable)).toEqual([
    comparable(claim.status!.allocation!),
  ]);
  await claims.patch(key, 'merge', { metadata: { finalizers: null } });
  await claims.delete(key);
}

function requestsOnNode(pod: Pod, collections: Collections) {
  const node = collections.get('nodes')!.find(({ metadata }) => metadata.name === pod.spec.nodeName) as Node;
  const classes = new Store<DeviceClass>();
  for (const each of collections.get('deviceclasses.resource.k8s.io') as DeviceClass[])
    classes.put(storeKey(each), each);
  const resources =
    deviceResources(new PodInfo(pod).requests, byResource(classes, isEnabledByDefault)) ??
    new Map<string, DeviceClass>();
  const lacking = [...resources].filter(([resource]) => Number(node.status.allocatable?.[resource] ?? 0) === 0);
  return requestsFor(pod, new Map(lacking));
}

function comparable({ devices, nodeSelector }: AllocationResult) {
  const results = devices.results?.map((each) => ({ ...each, shareID: each.shareID === undefined ? 'none' : 'some' }));
  return { results, config: devices.config ?? [], nodeSelector };
}

function allocatorFor(pod: Pod, collections: Collections, more: readonly ResourceClaim[] = []) {
  const store = new Store<ResourceClaim>();
  for (const each of collections.get('resourceclaims.resource.k8s.io') as ResourceClaim[])
    store.put(storeKey(each), each);
  const tracker = new ClaimTracker(store);
  const claims = claimsOf(pod, (key) => tracker.get(key)) as ResourceClaim[];
  const open = [...claims.filter(({ status }) => !status?.allocation), ...more];
  const classes = collections.get('deviceclasses.resource.k8s.io') as DeviceClass[];
  const allocator = new Allocator(open, {
    classes: (name) => classes.find(({ metadata }) => metadata.name === name),
    pools: new Pools(collections.get('resourceslices.resource.k8s.io') as ResourceSlice[]),
    allocated: tracker.allocated(),
    selectors: new Selectors(),
    steps: 100_000,
  });
  return { claims: open, allocator };
}

async function clear(kinds: readonly (typeof clusters)[number]['others'][number]['kind'][]): Promise<void> {
  await client.resource('pods').deleteCollection({ namespace }, { gracePeriodSeconds: 0 });
  await client.resource('nodes').deleteCollection({});
  for (const kind of new Set(kinds)) {
    const { items } = await client.resource(kind).list();
    const mine = items.filter(({ metadata }) => metadata?.labels?.test === 'yes');
    for (const { metadata } of mine) {
      const { namespace, name } = metadata as { namespace?: string; name: string };
      if (metadata?.finalizers?.length) {
        await client.resource(kind).patch({ namespace, name }, 'merge', { metadata: { finalizers: null } });
      }
      await client.resource(kind).delete({ namespace, name }, { gracePeriodSeconds: 0 });
    }
  }
  await expect.poll(async () => (await client.resource('pods').list({ namespace })).items.length).toBe(0);
}
