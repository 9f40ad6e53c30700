import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@keelson/client';
import { Channel } from '@keelson/client/testing/channel';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NetworkStatus } from '../status.ts';
import { namespace, pod, policy } from '../testing/policy-objects.ts';
import { startPolicies } from './policies.ts';

let running: Running | undefined;
let cniCacheFolder: string;
beforeEach(async () => {
  cniCacheFolder = await mkdtemp(join(tmpdir(), 'keelson-cni-cache-'));
  await mkdir(join(cniCacheFolder, 'results'));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await rm(cniCacheFolder, { recursive: true });
});

const collections = ['pods', 'namespaces', 'nodes', 'networkpolicies'] as const;
type Collection = (typeof collections)[number];

/** With an API server whose objects a test changes, and a kernel that refuses what a test says. */
async function started(objects: Record<Collection, readonly object[]>) {
  const world = manualWorld();
  const watches = new Map<string, Channel<Uint8Array>>();
  let revision = 10;
  const event = (type: string, object: object) => {
    const { metadata, ...rest } = object as { metadata: object };
    const numbered = { ...rest, metadata: { ...metadata, resourceVersion: String(++revision) } };
    return Buffer.from(`${JSON.stringify({ type, object: numbered })}\n`);
  };
  const transport = new FakeTransport(({ path, signal }) => {
    const name = collections.find((each) => path.split('?')[0]!.endsWith(`/${each}`))!;
    const watch = new Channel<Uint8Array>();
    watches.set(name, watch);
    signal?.addEventListener('abort', () => watch.fail(signal.reason));
    watch.push(...objects[name].map((each) => event('ADDED', each)));
    watch.push(event('BOOKMARK', { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }));
    return { body: watch };
  });
  const kernel = {
    transactions: [] as string[],
    refused: 0,
    refuses: false,
    async applyTables(text: string) {
      if (kernel.refuses) {
        kernel.refused++;
        throw new Error('no nft');
      }
      kernel.transactions.push(text);
    },
  };
  const client = new Client({ transport, component: 'test', world });
  const registry = new MetricsRegistry();
  const status = new NetworkStatus(registry, () => world.clock.now());
  running = startPolicies({ client, nodeName: 'here', kernel, cniCacheFolder, status });
  /** Has time go on until it is so; the file system tells of its changes in a time of its own. */
  const until = async (check: () => unknown) => {
    for (const begin = performance.now(); ; ) {
      await world.pass(1_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
      try {
        return await check();
      } catch (error) {
        if (performance.now() - begin > 20_000) throw error;
      }
    }
  };
  const tell = (name: Collection, type: string, object: object) => watches.get(name)!.push(event(type, object));
  return { kernel, until, tell, status, registry };
}

const whole = (text: string | undefined) => text?.startsWith('add table inet keelson-policies\ndelete table ');
const web = pod('a/web', ['10.1.0.1']);
const here = { metadata: { name: 'here', uid: 'here' }, spec: { podCIDRs: ['10.1.0.0/24'] } };
const objects = () => ({
  pods: [web],
  namespaces: [namespace('a', {})],
  nodes: [here],
  networkpolicies: [policy('a/deny', {})],
});

test('the table is replaced at the start and each minute, and is otherwise told what differs', async () => {
  const { kernel, until, tell } = await started(objects());
  await until(() => expect(kernel.transactions).toHaveLength(1));
  expect(whole(kernel.transactions[0])).toBe(true);
  expect(kernel.transactions[0]).toMatch(/add element inet keelson-policies ingress-pods-4 \{ 10\.1\.0\.1 : jump /);
  tell('pods', 'ADDED', pod('a/other', ['10.1.0.2']));
  await until(() => expect(kernel.transactions).toHaveLength(2));
  expect(whole(kernel.transactions[1])).toBe(false);
  expect(kernel.transactions[1]).toContain('10.1.0.2 : jump ');
  expect(kernel.transactions[1]).not.toContain('rule');
  // What no policy looks at is no change.
  tell('pods', 'MODIFIED', { ...web, status: { ...web.status, message: 'well' } });
  await until(() => expect(kernel.transactions).toHaveLength(3));
  expect(whole(kernel.transactions[2])).toBe(true);
  tell('networkpolicies', 'DELETED', policy('a/deny', {}));
  await until(() => expect(kernel.transactions.at(-1)).toContain('delete element'));
});

test('after a failure all is written', async () => {
  const { kernel, until, tell, status, registry } = await started(objects());
  await until(() => expect(kernel.transactions).toHaveLength(1));
  kernel.refuses = true;
  tell('pods', 'ADDED', pod('a/other', ['10.1.0.2']));
  await until(() => expect(kernel.refused).toBeGreaterThan(0));
  expect(await registry.text()).toMatch(/^keelson_pod_network_sync_failures_total{part="policies"} [1-9]/m);
  // Nothing is told of the routes here.
  const healthy = () => JSON.parse(status.health().body).status.policies.healthy;
  await until(() => expect(healthy()).toBe(false));
  expect(status.health().status).toBe(503);
  kernel.refuses = false;
  await until(() => expect(healthy()).toBe(true));
  expect(whole(kernel.transactions[1])).toBe(true);
  expect(kernel.transactions[1]).toContain('10.1.0.2 : jump ');
  const text = await registry.text();
  expect(text).toMatch(/^keelson_pod_network_policy_pods{isolated="true"} 2$/m);
  expect(text).toMatch(/^keelson_pod_network_policies 1$/m);
});

test('a pod is isolated as soon as the runtime has noted its address; before, nobody has it', {
  timeout: 60_000,
}, async () => {
  const { kernel, until, tell } = await started(objects());
  await until(() => expect(kernel.transactions).toHaveLength(1));
  expect(kernel.transactions[0]).toContain('ingress-ranges-4 { 10.1.0.0/24 }');
  expect(kernel.transactions[0]).not.toContain('element inet keelson-policies egress-ranges-4');
  tell('pods', 'ADDED', pod('a/new', []));
  const record = (uid: string, address: string) =>
    JSON.stringify({
      kind: 'cniCacheV1',
      cniArgs: [
        ['K8S_POD_NAMESPACE', 'a'],
        ['K8S_POD_NAME', 'new'],
        ['K8S_POD_UID', uid],
      ],
      result: { ips: [{ address: `${address}/24` }] },
    });
  const results = join(cniCacheFolder, 'results');
  await writeFile(join(results, 'keelson-0-eth0'), record('another', '10.1.0.8'));
  await writeFile(join(results, 'elsewhere-2-eth0'), record('a/new', '10.1.0.7'));
  await writeFile(join(results, 'keelson-1-eth0'), record('a/new', '10.1.0.9'));
  await until(() => expect(kernel.transactions.join()).toContain('{ 10.1.0.9 : jump '));
  await rm(join(results, 'keelson-1-eth0'));
  await until(() => expect(kernel.transactions.at(-1)).toMatch(/delete element .* 10\.1\.0\.9 /));
  expect(kernel.transactions.join()).not.toMatch(/10\.1\.0\.[78] : /);
});
