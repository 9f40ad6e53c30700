/**
 * The same clusters and pods for kube-scheduler itself and for ours: why no node will do has to be said in the same words,
 * and the node that upstream chooses has to be one that scores highest here. KUBE_SCHEDULER names upstream's binary.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, connect, type Draft, loadKubeconfig, systemWorld } from '@keelson/client';
import { defaultConfiguration, Explainer } from '@keelson/scheduler';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { freePort } from '../support/process.ts';
import { clusters } from './scheduler-clusters.ts';

const binary = process.env.KUBE_SCHEDULER;
const namespace = 'default';
const world = systemWorld();
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
        apiVersion: 'kubescheduler.config.k8s.io/v1',
        kind: 'KubeSchedulerConfiguration',
        leaderElection: { leaderElect: false },
        clientConnection: { kubeconfig: server.kubeconfig, qps: 1000, burst: 1000 },
        percentageOfNodesToScore: 100,
        podInitialBackoffSeconds: 1,
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
  }, 60_000);

  afterAll(async () => {
    upstream?.kill();
    client?.close();
    await server?.stop();
  });

  it.each(clusters.map((cluster) => [cluster.name, cluster] as const))(
    '%s',
    async (_, { nodes, pods, others, wanted }) => {
      for (const { kind, ...object } of others) await client.resource(kind).create(object as never);
      for (const node of nodes) await createNode(node);
      for (const pod of pods) await client.resource('pods').create(pod);
      try {
        for (const pod of wanted) await compare(pod);
      } finally {
        await clear(others.map(({ kind }) => kind));
      }
    },
    120_000,
  );
});

async function createNode(node: Draft<import('@keelson/api/generated/types/core/v1').Node>): Promise<void> {
  const nodes = client.resource('nodes');
  const created = await nodes.create({ metadata: node.metadata!, spec: node.spec ?? {} });
  const status = { ...created.status, ...node.status } as typeof created.status;
  await nodes.updateStatus({ ...created, status });
  await nodes.patch(node.metadata as { name: string }, 'merge', { spec: { taints: node.spec?.taints ?? null } });
}

/** Has the pod scheduled by upstream, and compares with what we think of it. */
async function compare(draft: Draft<Pod>): Promise<void> {
  const pods = client.resource('pods');
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
  const explanation = await explain(pod);
  const condition = decided.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (decided.spec.nodeName) {
    const fitting = explanation.nodes.filter(({ fits }) => fits);
    const best = Math.max(...fitting.map(({ total = 0 }) => total));
    const chosen = fitting.find(({ node }) => node === decided.spec.nodeName);
    expect({ pod: key.name, chosen: chosen && { node: chosen.node, total: chosen.total ?? 0 } }).toEqual({
      pod: key.name,
      chosen: { node: decided.spec.nodeName, total: best },
    });
  } else {
    expect({ pod: key.name, message: explanation.message }).toEqual({ pod: key.name, message: condition!.message });
  }
}

async function explain(pod: Pod) {
  const explainer = new Explainer(defaultConfiguration(), world);
  for (const name of explainer.collections) {
    const { items } = await client.resource(name).list();
    explainer.put(name, items);
  }
  return explainer.explain(pod);
}

async function clear(kinds: readonly (typeof clusters)[number]['others'][number]['kind'][]): Promise<void> {
  await client.resource('pods').deleteCollection({ namespace }, { gracePeriodSeconds: 0 });
  await client.resource('nodes').deleteCollection({});
  for (const kind of new Set(kinds)) {
    const { items } = await client.resource(kind).list();
    const mine = items.filter(({ metadata }) => metadata?.labels?.test === 'yes');
    for (const { metadata } of mine) {
      const { namespace, name } = metadata as { namespace?: string; name: string };
      await client.resource(kind).delete({ namespace, name }, { gracePeriodSeconds: 0 });
    }
  }
  await expect.poll(async () => (await client.resource('pods').list({ namespace })).items.length).toBe(0);
}
