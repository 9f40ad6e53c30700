/** What the kernel does with packets of pods whose nodes have a router between them. */
import { systemKernel } from '@keelson/pod-network';
import { applyPlan, removePlan } from '@keelson/pod-network/apply';
import { type NodeFacts, planOf } from '@keelson/pod-network/plan';
import { memberOf } from '@keelson/pod-network/policies/members';
import { NodePolicies } from '@keelson/pod-network/policies/node-policies';
import { pod, policy } from '@keelson/pod-network/testing/policy-objects';
import { macOf } from '@keelson/pod-network/tunnel';
import { defaultTunnel, type TunnelMode } from '@keelson/pod-network/tunnel-settings';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Network, noNetworks } from './net.ts';
import { servicesFor } from './services.ts';

const reason = (await noNetworks()) ?? noTunnels();
const soon = { timeout: 30_000, interval: 100 };
const NO = 'no answer';
const SERVICES = { IPv4: '10.96.0.7', IPv6: 'fd96::7' };

function noTunnels(): string | undefined {
  const net = new Network('t');
  try {
    net.run('ip', 'link', 'add', 'x', 'type', 'vxlan', 'id', '9', 'dstport', '4789');
    net.run('bridge', 'fdb', 'show');
    return undefined;
  } catch (error) {
    return `there is no vxlan here: ${(error as Error).message}`;
  } finally {
    net.remove();
  }
}

/** Sends and counts; 1 MiB by TCP, one datagram of 4,000 bytes by UDP. */
const BULK_SERVER = `
require('net').createServer((s) => { s.on('error', () => {}); s.end(Buffer.alloc(1 << 20)); }).listen(9000, '::', () => {
  const socket = require('dgram').createSocket('udp6');
  socket.on('message', (data, from) => socket.send(data, from.port, from.address));
  socket.bind(9000, '::', () => console.log('ready'));
});`;
const BULK_CLIENT = `
const [, kind, host] = process.argv;
const end = (text) => { process.stdout.write(String(text)); process.exit(); };
setTimeout(() => end('no answer'), 4000);
if (kind === 'tcp') {
  let count = 0;
  require('net').connect(9000, host).on('data', (data) => { count += data.length; }).on('end', () => end(count)).on('error', (e) => end(e.code));
} else {
  const socket = require('dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const send = () => socket.send(Buffer.alloc(4000), 9000, host, () => {});
  socket.on('message', (data) => end(data.length)).on('error', (e) => end(e.code));
  send();
  setInterval(send, 200);
}`;

/** The router knows no pods, and lets through no fragments. */
const STRICT = `
add table inet strict
add chain inet strict forward { type filter hook forward priority 0; }
add rule inet strict forward iifname s101 oifname s101 accept
add rule inet strict forward iifname s102 oifname s102 accept
add rule inet strict forward ip saddr 10.7.0.0/21 counter drop
add rule inet strict forward ip daddr 10.7.0.0/21 counter drop
add rule inet strict forward ip6 saddr { fd07:1::/64, fd07:2::/64, fd07:3::/64 } counter drop
add rule inet strict forward ip6 daddr { fd07:1::/64, fd07:2::/64, fd07:3::/64 } counter drop
add rule inet strict forward ip frag-off & 0x3fff != 0 counter drop
add rule inet strict forward exthdr frag exists counter drop
`;

describe.skipIf(reason)(`the tunnel${reason ? `: ${reason}` : ''}`, { timeout: 120_000 }, () => {
  let router: Network;
  /** a and b are on one segment, c is behind the router. */
  let nodes: Record<'a' | 'b' | 'c', Network>;
  let pods: Record<'a' | 'b' | 'c', Network>;
  const facts = new Map<string, NodeFacts>();

  beforeAll(async () => {
    const network = (kind: string) => new Network(kind);
    router = network('r');
    nodes = { a: network('na'), b: network('nb'), c: network('nc') };
    pods = { a: network('pa'), b: network('pb'), c: network('pc') };
    router.forward();
    router.segment(101, nodes.a, nodes.b);
    router.segment(102, nodes.c);
    router.run('nft', STRICT);
    for (const [i, name] of (['a', 'b', 'c'] as const).entries()) {
      nodes[name].forward();
      nodes[name].join(pods[name], i + 1);
      await pods[name].serve(`pod-${name}`, 8080);
    }
    await pods.c.start(BULK_SERVER);
    setNode('a', 1, '10.7.101.2', 'fd07:101::2');
    setNode('b', 2, '10.7.101.3', 'fd07:101::3');
    setNode('c', 3, '10.7.102.2', 'fd07:102::2');
  }, 60_000);
  afterAll(async () => {
    for (const network of [router, ...Object.values(nodes ?? {}), ...Object.values(pods ?? {})]) await network?.stop();
  });

  function setNode(name: string, n: number, ...addresses: readonly string[]): void {
    facts.set(name, {
      metadata: { name },
      spec: { podCIDRs: [`10.7.${n}.0/24`, `fd07:${n}::/64`] },
      status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
    });
  }

  /** Has each node be as the others say. @returns what it was told on each */
  async function apply(mode: TunnelMode = 'CrossSubnet') {
    const all = [...facts.values()];
    const applied = [];
    for (const name of facts.keys()) {
      const kernel = systemKernel(nodes[name as 'a'].within);
      applied.push(await applyPlan(planOf(name, all), kernel, { ...defaultTunnel, mode }));
    }
    return applied;
  }
  const answered = (from: Network, host: string, by: string, port = 8080) =>
    expect.poll(() => from.ask(host, port), soon).toBe(by);
  const bulk = (from: Network, kind: 'tcp' | 'udp', host: string) =>
    from.run(process.execPath, '-e', BULK_CLIENT, kind, host);
  const routes = (node: Network) => node.run('ip', 'route', 'show', 'proto', '75');
  /** Whether the router was given packets of pods, or fragments. */
  const strayed = () => /counter packets [1-9]/.test(router.run('nft', 'list', 'table', 'inet', 'strict'));

  test('nodes on one segment have a route, those behind a router the tunnel', async () => {
    expect((await apply()).map(({ tunnelled, mtu, refused }) => [tunnelled, mtu, refused.size])).toEqual([
      [2, 1430, 0],
      [2, 1430, 0],
      [4, 1430, 0],
    ]);
    expect(routes(nodes.a).trim().split(/ *\n/)).toEqual([
      '10.7.2.0/24 via 10.7.101.3 dev eth0',
      '10.7.3.0/24 via 10.7.3.0 dev keelson-vxlan4 onlink',
    ]);
    expect(nodes.a.run('ip', '-d', 'link', 'show', 'keelson-vxlan4')).toMatch(
      /mtu 1450 [\s\S]*vxlan id 1 local 10\.7\.101\.2 .*dstport 8472 nolearning/,
    );
    const mac = macOf('c');
    expect(nodes.a.run('bridge', 'fdb', 'show', 'dev', 'keelson-vxlan4').trim()).toBe(
      `${mac} dst 10.7.102.2 self permanent`,
    );
    expect(nodes.a.run('ip', '-6', 'neighbour', 'show', 'dev', 'keelson-vxlan6').trim()).toBe(
      `fd07:3:: lladdr ${mac} PERMANENT`,
    );
  });

  test('pods see each other’s own addresses, of both families', async () => {
    await answered(pods.a, '10.7.3.2', 'pod-c 10.7.1.2');
    await answered(pods.c, 'fd07:1::2', 'pod-a fd07:3::2');
    await answered(pods.a, '10.7.2.2', 'pod-b 10.7.1.2');
    await answered(pods.a, 'fd07:2::2', 'pod-b fd07:1::2');
    await expect.poll(() => pods.c.ask('10.7.1.2', 8080, 'udp'), soon).toBe('pod-a 10.7.3.2');
    expect(strayed()).toBe(false);
  });

  test('a node is seen by the first address of its range', async () => {
    await answered(nodes.a, '10.7.3.2', 'pod-c 10.7.1.0');
    await answered(nodes.a, 'fd07:3::2', 'pod-c fd07:1::');
  });

  test.each(['10.7.3.2', 'fd07:3::2'])('large packets to %s, of pods that know nothing of the tunnel', async (host) => {
    await expect.poll(() => bulk(pods.a, 'tcp', host), soon).toBe(String(1 << 20));
    await expect.poll(() => bulk(pods.a, 'udp', host), soon).toBe('4000');
    expect(strayed()).toBe(false);
  });

  test('services lead through it, for pods and for the node itself', async () => {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const endpoint = { IPv4: '10.7.3.2', IPv6: 'fd07:3::2' }[family];
      const ranges = { IPv4: '10.7.0.0/21', IPv6: 'fd07::/16' }[family];
      const place = { family, nodeName: 'a', ranges, address: SERVICES[family], endpoint, at: 'c' };
      await systemKernel(nodes.a.within).applyTables(servicesFor(place));
    }
    await answered(pods.a, SERVICES.IPv4, 'pod-c 10.7.1.2', 80);
    await answered(pods.a, SERVICES.IPv6, 'pod-c fd07:1::2', 80);
    await answered(nodes.a, SERVICES.IPv4, 'pod-c 10.7.1.0', 80);
  });

  test('policies isolate from what comes through it, and let in whom they name', async () => {
    const policies = new NodePolicies('c');
    const kernel = systemKernel(nodes.c.within);
    const all = { 'one/c': ['10.7.3.2', 'fd07:3::2'], 'one/a': ['10.7.1.2', 'fd07:1::2'] };
    await kernel.applyTables([...policies.rewriting()].join(''));
    policies.setNamespace('one', {});
    for (const [key, addresses] of Object.entries(all))
      policies.setPod(key, memberOf(pod(key, addresses, { labels: { app: key.slice(4) }, nodeName: key.slice(4) })));
    policies.setPolicy('one/p', policy('one/p', { podSelector: { matchLabels: { app: 'c' } } }));
    await kernel.applyTables([...policies.changes(0)].join(''));
    expect(pods.a.ask('10.7.3.2', 8080)).toBe(NO);
    expect(pods.a.ask('fd07:3::2', 8080)).toBe(NO);
    const ingress = [{ from: [{ podSelector: { matchLabels: { app: 'a' } } }] }];
    policies.setPolicy('one/p', policy('one/p', { podSelector: { matchLabels: { app: 'c' } }, ingress }));
    await kernel.applyTables([...policies.changes(0)].join(''));
    await answered(pods.a, '10.7.3.2', 'pod-c 10.7.1.2');
    expect(pods.b.ask('10.7.3.2', 8080)).toBe(NO);
    policies.setPolicy('one/p', undefined);
    await kernel.applyTables([...policies.changes(0)].join(''));
    await answered(pods.b, 'fd07:3::2', 'pod-c fd07:2::2');
  });

  test('of two nodes one is on the other’s segment, too, and does not say so', async () => {
    nodes.a.set('ipv4/conf/all/rp_filter', 0);
    router.plug(102, 9, nodes.a, 'eth1');
    await apply();
    expect(routes(nodes.a)).toContain('10.7.3.0/24 via 10.7.102.2 dev eth1');
    expect(routes(nodes.c)).toContain('10.7.1.0/24 via 10.7.1.0 dev keelson-vxlan4 onlink');
    await answered(pods.a, '10.7.3.2', 'pod-c 10.7.1.2');
    await answered(pods.c, 'fd07:1::2', 'pod-a fd07:3::2');
    nodes.a.run('ip', 'link', 'delete', 'eth1');
    await apply();
    await answered(pods.a, '10.7.3.2', 'pod-c 10.7.1.2');
  });

  test('who is no node sends nothing into it', async () => {
    const liar = ['address', '02:00:00:00:00:09', 'type', 'vxlan', 'id', '1', 'dstport', '8472', 'local', '10.7.101.1'];
    router.run('ip', 'link', 'add', 'liar', ...liar, 'nolearning');
    router.run('ip', 'address', 'add', '10.7.99.9/32', 'dev', 'liar');
    router.run('ip', 'link', 'set', 'liar', 'up');
    router.run('bridge', 'fdb', 'add', macOf('a'), 'dev', 'liar', 'dst', '10.7.101.2', 'self', 'permanent');
    router.run('ip', 'route', 'add', '10.7.1.0/24', 'via', '10.7.1.0', 'dev', 'liar', 'onlink');
    router.run('ip', 'neighbour', 'add', '10.7.1.0', 'lladdr', macOf('a'), 'dev', 'liar', 'nud', 'permanent');
    expect(router.ask('10.7.1.2', 8080)).toBe(NO);
    nodes.a.run('nft', 'delete table ip keelson-pod-network');
    await answered(router, '10.7.1.2', 'pod-a 10.7.99.9');
    router.run('ip', 'link', 'delete', 'liar');
    await apply();
  });

  test('a node has another address, and what somebody took away comes back', async () => {
    nodes.c.run('ip', 'address', 'del', '10.7.102.2/24', 'dev', 'eth0');
    nodes.c.run('ip', 'address', 'add', '10.7.102.9/24', 'dev', 'eth0');
    nodes.c.run('ip', 'route', 'replace', 'default', 'via', '10.7.102.1');
    setNode('c', 3, '10.7.102.9', 'fd07:102::2');
    nodes.a.run('ip', 'link', 'set', 'keelson-vxlan6', 'down');
    await apply();
    expect(nodes.a.run('bridge', 'fdb', 'show', 'dev', 'keelson-vxlan4')).toContain('dst 10.7.102.9 self');
    await answered(pods.a, '10.7.3.2', 'pod-c 10.7.1.2');
    await answered(pods.c, '10.7.1.2', 'pod-a 10.7.3.2');
    await answered(pods.a, 'fd07:3::2', 'pod-c fd07:1::2');
  });

  test('always, never, and by default again', async () => {
    expect((await apply('Always')).flatMap(({ refused }) => [...refused])).toEqual([]);
    expect(routes(nodes.a)).toContain('10.7.2.0/24 via 10.7.2.0 dev keelson-vxlan4 onlink');
    await answered(pods.a, '10.7.2.2', 'pod-b 10.7.1.2');
    await answered(pods.b, 'fd07:1::2', 'pod-a fd07:2::2');
    const [onA] = await apply('Never');
    expect([...onA!.refused.keys()].sort()).toEqual(['10.7.3.0/24', 'fd07:3::/64']);
    expect(nodes.a.run('ip', 'link', 'show', 'type', 'vxlan')).toBe('');
    await answered(pods.a, '10.7.2.2', 'pod-b 10.7.1.2');
    await apply();
    await answered(pods.a, '10.7.3.2', 'pod-c 10.7.1.2');
  });

  test('a node that leaves takes its entries along; alone, there is no tunnel, and nothing when all is taken away', async () => {
    facts.delete('c');
    await apply();
    for (const kind of [['neighbour'], ['-6', 'neighbour']])
      expect(nodes.a.run('ip', ...kind, 'show', 'nud', 'permanent')).not.toContain('vxlan');
    expect(nodes.a.run('bridge', 'fdb', 'show', 'dev', 'keelson-vxlan4')).toBe('');
    expect(routes(nodes.a)).not.toContain('10.7.3.0');
    facts.delete('b');
    await apply();
    expect(nodes.a.run('ip', 'link', 'show', 'type', 'vxlan')).toBe('');
    await removePlan(systemKernel(nodes.c.within));
    expect(nodes.c.run('ip', 'link', 'show', 'type', 'vxlan')).toBe('');
    expect(routes(nodes.c)).toBe('');
    expect(nodes.c.run('nft', 'list', 'tables')).not.toContain('keelson-pod-network');
  });
});
