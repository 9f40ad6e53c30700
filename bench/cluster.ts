/**
 * How fast a cluster is, all of it in one process, with simulated nodes where nothing else is said.
 * Usage: npm run bench:cluster [-- WORKLOAD…]
 *
 *   running   POST of a pod until it is Running, one after the other: median and p99
 *   real      the same on containerd, and what of it the calls to the runtime took
 *   rollout   a deployment of 1,000 replicas until all are Running
 *   schedule  5,000 pods on 1,000 nodes until all have a node
 *   idle      CPU and memory of a cluster that nobody asks anything
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import consumers from 'node:stream/consumers';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, connect, type Draft, loadKubeconfig, systemWorld } from '@keelson/client';
import { BUSYBOX, noContainers, startContainerd, unmountBelow } from '../test/support/containerd.ts';
import { freePort } from '../test/support/process.ts';

const keelson = join(import.meta.dirname, '../bin/keelson');

interface Cluster {
  readonly client: Client;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** @param nodes simulated ones @param runtime socket of what runs the containers of a real one besides */
async function start(nodes: number, runtime?: string): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'kb-'));
  const node = runtime === undefined ? '--no-node' : `--container-runtime-endpoint=${runtime}`;
  const args = ['up', '--data-dir', directory, `--secure-port=${await freePort()}`, `--nodes=${nodes}`, node];
  const child = spawn(keelson, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) if (String(chunk).includes('is ready')) break;
  const client = connect(await loadKubeconfig(join(directory, 'kubeconfig')), {
    component: 'bench',
    world: systemWorld(),
  });
  await until(async () => (await client.resource('serviceaccounts').list({ namespace: 'default' })).items.length > 0);
  await until(async () => {
    const { items } = await client.resource('nodes').list();
    return (
      items.filter(({ status, spec }) => status?.conditions?.length && !spec?.taints?.length).length ===
      nodes + (runtime === undefined ? 0 : 1)
    );
  });
  return {
    client,
    process: child,
    stop: async () => {
      client.close();
      child.kill('SIGINT');
      await once(child, 'exit');
      unmountBelow(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function until(ready: () => Promise<boolean>): Promise<void> {
  while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const podSpec = { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'none' }] };

/** Resolves when so many pods of the namespace are as they should be; milliseconds since it was called. */
async function counted(client: Client, wanted: number, isRight: (pod: Pod) => boolean): Promise<number> {
  const began = performance.now();
  const right = new Set<string>();
  const pods = client.resource('pods');
  const { items, metadata } = await pods.list({ namespace: 'default' });
  for (const pod of items) if (isRight(pod)) right.add(pod.metadata.name!);
  const stop = new AbortController();
  if (right.size < wanted) {
    for await (const { type, object } of pods.watch({
      namespace: 'default',
      resourceVersion: metadata.resourceVersion,
      signal: stop.signal,
    })) {
      if (type === 'MODIFIED' && isRight(object)) right.add(object.metadata.name!);
      if (right.size >= wanted) break;
    }
  }
  return performance.now() - began;
}

const isRunning = ({ status }: Pod) => status?.phase === 'Running';
const isBound = ({ spec }: Pod) => Boolean(spec.nodeName);

/** Milliseconds from the POST of each of so many pods until it is Running, one after the other. */
async function runningTimes(client: Client, count: number, spec: Draft<Pod['spec']>, prefix = 'p'): Promise<number[]> {
  const pods = client.resource('pods');
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const name = `${prefix}${i}`;
    const watching = new AbortController();
    const watch = (async () => {
      const query = { namespace: 'default', fieldSelector: `metadata.name=${name}`, signal: watching.signal };
      for await (const { object } of pods.watch(query)) if (isRunning(object)) return performance.now();
      throw new Error(`the watch of ${name} has ended`);
    })();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const began = performance.now();
    await pods.create({ metadata: { namespace: 'default', name }, spec });
    times.push((await watch) - began);
  }
  return times;
}

/** What the node's calls have taken that a pod cannot start without: its sandbox, its container, the start of it. */
async function runtimeSeconds(client: Client): Promise<number> {
  const [node] = (await client.resource('nodes').list()).items;
  const path = `/api/v1/nodes/${node!.metadata.name}/proxy/metrics`;
  const subject = { verb: 'get', group: '', resource: 'nodes', name: node!.metadata.name! };
  const text = await client.call({ method: 'GET', path, accept: 'text/plain', subject }, ({ body }) =>
    consumers.text(body),
  );
  const sums =
    /_operations_duration_seconds_sum\{operation_type="(?:run_podsandbox|(?:create|start)_container)"\} (.+)/g;
  return [...text.matchAll(sums)].reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}

/** On containerd. */
const PODS = 20;

const workloads: Record<string, () => Promise<string>> = {
  async running() {
    const { client, stop } = await start(10);
    const times = await runningTimes(client, 220, podSpec);
    await stop();
    const sorted = times.slice(20).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(1);
    return `POST to Running: median ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  },

  async real() {
    const reason = noContainers();
    if (reason !== undefined) return `left out: ${reason}`;
    const directory = await mkdtemp(join(tmpdir(), 'kc-'));
    const containerd = await startContainerd(directory);
    const { client, stop } = await start(0, containerd.endpoint);
    const containers = [{ name: 'c', image: BUSYBOX, imagePullPolicy: 'Never', command: ['sleep', '3600'] }];
    const spec = { terminationGracePeriodSeconds: 0, containers };
    await runningTimes(client, 3, spec, 'warm');
    const before = await runtimeSeconds(client);
    const times = await runningTimes(client, PODS, spec);
    const runtimeMs = ((await runtimeSeconds(client)) - before) * (1000 / PODS);
    for (const { metadata } of (await client.resource('pods').list({ namespace: 'default' })).items)
      await client.resource('pods').delete({ namespace: 'default', name: metadata.name! });
    await until(async () => (await client.resource('pods').list({ namespace: 'default' })).items.length === 0);
    await stop();
    await containerd.stop();
    await rm(directory, { recursive: true, force: true });
    const mean = times.reduce((sum, time) => sum + time, 0) / PODS;
    return `POST to Running on containerd: ${mean.toFixed(0)} ms, of which the runtime ${runtimeMs.toFixed(0)} ms: ${(mean - runtimeMs).toFixed(0)} ms above it`;
  },

  async rollout() {
    const { client, stop } = await start(100);
    const labels = { app: 'web' };
    const all = counted(client, 1000, isRunning);
    await client.resource('deployments.apps').create({
      metadata: { namespace: 'default', name: 'web' },
      spec: { replicas: 1000, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
    });
    const ms = await all;
    await stop();
    return `1,000 replicas Running after ${(ms / 1000).toFixed(2)} s`;
  },

  async schedule() {
    const { client, stop } = await start(1000);
    const all = counted(client, 5000, isBound);
    const began = performance.now();
    const labels = { app: 'web' };
    await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        client.resource('deployments.apps').create({
          metadata: { namespace: 'default', name: `web${i}` },
          spec: {
            replicas: 1000,
            selector: { matchLabels: { ...labels, part: String(i) } },
            template: { metadata: { labels: { ...labels, part: String(i) } }, spec: podSpec },
          },
        }),
      ),
    );
    await all;
    const seconds = (performance.now() - began) / 1000;
    await stop();
    return `5,000 pods on 1,000 nodes: ${Math.round(5000 / seconds)} pods/s, created, bound and started in ${seconds.toFixed(1)} s`;
  },

  async idle() {
    const { process: child, stop } = await start(1);
    const ticks = async () => {
      const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    const before = await ticks();
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const used = ((await ticks()) - before) / 100 / 30;
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    await stop();
    return `idle: ${(used * 100).toFixed(1)} % of one core, ${rss.toFixed(0)} MiB`;
  },
};

const wanted = process.argv.slice(2);
console.log(`${cpus().length} × ${cpus()[0]?.model}, Node.js ${process.version}, LMDB, durable, TLS to the client`);
for (const [name, run] of Object.entries(workloads)) {
  if (wanted.length === 0 || wanted.includes(name)) console.log(`${name.padEnd(10)}${await run()}`);
}
