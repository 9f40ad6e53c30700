import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@keelson/client';
import { Channel } from '@keelson/client/testing/channel';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import type { Family } from '@keelson/proxy/addresses';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Kernel } from './kernel.ts';
import { removePodNetwork, startPodNetwork } from './pod-network.ts';
import type { Route } from './routes.ts';
import { NetworkStatus } from './status.ts';
import { type Device, type Entries, entriesFor } from './tunnel.ts';
import { defaultTunnel } from './tunnel-settings.ts';

/** A kernel that has routes and tables, knows of nodes behind routers, and refuses ways by some addresses. */
class FakeKernel implements Kernel {
  readonly table = new Map<string, Route>();
  readonly transactions: string[] = [];
  readonly unreachable = new Set<string>();
  failing = false;
  failures = 0;

  async routes(family: Family): Promise<Route[]> {
    if (this.failing) {
      this.failures++;
      throw new Error('no ip');
    }
    return [...this.table.values()].filter((route) => route.family === family);
  }
  readonly behindRouter = new Set<string>();
  readonly devices = new Map<Family, string[]>();
  readonly forwarding: string[] = [];
  async onLink(_: Family, addresses: readonly string[]): Promise<Set<string>> {
    return new Set(addresses.filter((address) => !this.behindRouter.has(address)));
  }
  async device(family: Family): Promise<Device | undefined> {
    return this.devices.has(family) ? ({} as Device) : undefined;
  }
  async entries(): Promise<Entries> {
    return entriesFor([]);
  }
  async changeForwarding(lines: readonly string[]): Promise<void> {
    this.forwarding.push(...lines);
  }
  async change(family: Family, lines: readonly string[]): Promise<void> {
    const others = lines.filter((line) => !line.startsWith('route '));
    if (others.some((line) => line.startsWith('link del'))) this.devices.delete(family);
    if (others.some((line) => line.startsWith('link add'))) this.devices.set(family, others);
    const refused = lines.filter((line) => {
      if (others.includes(line)) return false;
      const [, action, range, via] = /^route (del|replace) (\S+) via (\S+)(?: dev \S+ onlink)? proto 75$/.exec(line)!;
      if (action === 'del') this.table.delete(range!);
      else if (this.unreachable.has(via!)) return true;
      else this.table.set(range!, { family, range: range!, via: via! });
      return false;
    });
    if (refused.length > 0) throw new Error('Nexthop has invalid gateway.');
  }
  async applyTables(transaction: string): Promise<void> {
    this.transactions.push(transaction);
  }
  async mtuAt(): Promise<number> {
    return 1400;
  }
}

let folder: string;
let kernel: FakeKernel;
let running: Running | undefined;
let isGuarded: PromiseWithResolvers<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keelson-cni-'));
  kernel = new FakeKernel();
  isGuarded = Promise.withResolvers();
  isGuarded.resolve();
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await rm(folder, { recursive: true });
});

const cni = () => ({ folder, addressFolder: join(folder, 'addresses') });
const node = (name: string, podCIDR: string | undefined, address: string, resourceVersion: number) => ({
  metadata: { name, uid: name, resourceVersion: String(resourceVersion) },
  spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
  status: { addresses: [{ type: 'InternalIP', address }], images: [{ names: ['long'] }] },
});

/** With an API server whose nodes a test changes. */
async function started(...nodes: readonly object[]) {
  const guarded = isGuarded.promise;
  const world = manualWorld();
  let watch!: Channel<Uint8Array>;
  const event = (type: string, object: object) => Buffer.from(`${JSON.stringify({ type, object })}\n`);
  const transport = new FakeTransport(({ signal }) => {
    watch = new Channel<Uint8Array>();
    signal?.addEventListener('abort', () => watch.fail(signal.reason));
    watch.push(...nodes.map((each) => event('ADDED', each)));
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    watch.push(event('BOOKMARK', { metadata: { resourceVersion: '10', annotations } }));
    return { body: watch };
  });
  const client = new Client({ transport, component: 'test', world });
  const status = new NetworkStatus(new MetricsRegistry(), () => world.clock.now());
  running = startPodNetwork({ client, nodeName: 'a', kernel, cni: cni(), tunnel: defaultTunnel, guarded, status });
  /** Has time go on until it is so; files are written meanwhile, in a time of their own. */
  const until = async (check: () => unknown) => {
    for (let seconds = 0; ; seconds++) {
      await world.pass(1_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
      try {
        return await check();
      } catch (error) {
        if (seconds > 90) throw error;
      }
    }
  };
  const tell = (type: string, object: object) => watch.push(event(type, object));
  return { until, tell, status };
}
const written = async () => JSON.parse(await readFile(join(folder, '10-keelson.conflist'), 'utf8'));

const ways = () => [...kernel.table.values()].map(({ range, via }) => `${range} via ${via}`);

test('the kernel follows the nodes: one comes, moves, and goes', async () => {
  const { tell, until } = await started(node('a', '10.1.0.0/24', '10.0.0.1', 1));
  const link = { mtu: 1400, ipam: { ranges: [[{ subnet: '10.1.0.0/24' }]] } };
  await until(async () => expect((await written()).plugins[0]).toMatchObject(link));
  expect(ways()).toEqual([]);
  tell('ADDED', node('b', '10.1.1.0/24', '10.0.0.2', 11));
  await until(() => expect(ways()).toEqual(['10.1.1.0/24 via 10.0.0.2']));
  expect(kernel.transactions.at(-1)).toContain('elements = { 10.1.0.0/24, 10.1.1.0/24 }');
  tell('MODIFIED', node('b', '10.1.1.0/24', '10.0.0.3', 12));
  await until(() => expect(ways()).toEqual(['10.1.1.0/24 via 10.0.0.3']));
  tell('DELETED', node('b', '10.1.1.0/24', '10.0.0.3', 13));
  await until(() => expect(ways()).toEqual([]));
});

test('a node without a range waits for it', async () => {
  const { tell, until } = await started(node('a', undefined, '10.0.0.1', 1), node('b', '10.1.1.0/24', '10.0.0.2', 2));
  await until(() => expect(ways()).toEqual(['10.1.1.0/24 via 10.0.0.2']));
  await expect(written()).rejects.toThrow('ENOENT');
  tell('MODIFIED', node('a', '10.1.0.0/24', '10.0.0.1', 11));
  await until(async () => expect((await written()).name).toBe('keelson'));
});

test('pods are joined when policies are in the kernel, others are reached before', async () => {
  isGuarded = Promise.withResolvers();
  const { until } = await started(node('a', '10.1.0.0/24', '10.0.0.1', 1), node('b', '10.1.1.0/24', '10.0.0.2', 2));
  await until(() => expect(ways()).toHaveLength(1));
  await expect(written()).rejects.toThrow('ENOENT');
  isGuarded.resolve();
  await until(written);
});

test('what others change is put right within a minute, what fails is tried again', async () => {
  const { tell, until } = await started(
    node('a', '10.1.0.0/24', '10.0.0.1', 1),
    node('b', '10.1.1.0/24', '10.0.0.2', 2),
  );
  await until(() => expect(ways()).toHaveLength(1));
  kernel.table.clear();
  await until(() => expect(ways()).toHaveLength(1));
  kernel.failing = true;
  tell('ADDED', node('c', '10.1.2.0/24', '10.0.0.3', 11));
  await until(() => expect(kernel.failures).toBeGreaterThan(1));
  expect(ways()).toHaveLength(1);
  kernel.failing = false;
  await until(() => expect(ways()).toHaveLength(2));
});

test('what the kernel does not take is told of, and all others are reached', async () => {
  kernel.unreachable.add('192.0.2.9');
  const { until, status } = await started(
    node('a', '10.1.0.0/24', '10.0.0.1', 1),
    node('b', '10.1.1.0/24', '192.0.2.9', 2),
    node('c', '10.1.2.0/24', '10.0.0.2', 3),
  );
  await until(() => expect(ways()).toEqual(['10.1.2.0/24 via 10.0.0.2']));
  await until(written);
  expect(status.metrics.refused.with().value).toBe(1);
});

test('a node behind a router is reached through the tunnel, of which links of pods know the length of packets', async () => {
  kernel.behindRouter.add('10.9.0.1');
  const { tell, until, status } = await started(
    node('a', '10.1.0.0/24', '10.0.0.1', 1),
    node('b', '10.1.1.0/24', '10.0.0.2', 2),
  );
  await until(async () => expect((await written()).plugins[0].mtu).toBe(1400));
  tell('ADDED', node('c', '10.1.2.0/24', '10.9.0.1', 11));
  await until(() => expect(ways()).toEqual(['10.1.1.0/24 via 10.0.0.2', '10.1.2.0/24 via 10.1.2.0']));
  await until(async () => expect((await written()).plugins[0].mtu).toBe(1350));
  expect(kernel.devices.get('IPv4')!.join('\n')).toContain('mtu 1350 type vxlan id 1 dstport 8472 local 10.0.0.1');
  expect(kernel.forwarding.at(-1)).toMatch(/^fdb replace \S+ dev keelson-vxlan4 dst 10.9.0.1 self permanent$/);
  expect(status.metrics.tunnelled.with().value).toBe(1);
  tell('DELETED', node('c', '10.1.2.0/24', '10.9.0.1', 12));
  tell('DELETED', node('b', '10.1.1.0/24', '10.0.0.2', 13));
  await until(() => expect(kernel.devices.size).toBe(0));
  await until(async () => expect((await written()).plugins[0].mtu).toBe(1400));
});

test('all of it is taken away', async () => {
  const { until } = await started(node('a', '10.1.0.0/24', '10.0.0.1', 1), node('b', '10.1.1.0/24', '10.0.0.2', 2));
  await until(written);
  await running!.stop();
  expect(ways()).toHaveLength(1);
  await removePodNetwork(kernel, cni());
  expect(kernel.table.size).toBe(0);
  expect(kernel.transactions.at(-3)).toBe('add table inet keelson-policies\ndelete table inet keelson-policies\n');
  expect(
    kernel.transactions
      .slice(-2)
      .every(
        (text) =>
          text.endsWith('delete table ip6 keelson-pod-network\n') ||
          text.endsWith('delete table ip keelson-pod-network\n'),
      ),
  ).toBe(true);
  await expect(written()).rejects.toThrow('ENOENT');
});
