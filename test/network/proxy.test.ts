/** What the kernel does with packets, by the rules of services. */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { systemNft } from '@keelson/proxy';
import type { Family } from '@keelson/proxy/addresses';
import { endpointsOf } from '@keelson/proxy/endpoints';
import { baseRules } from '@keelson/proxy/rules/base';
import { type Surroundings, serviceRules } from '@keelson/proxy/rules/service';
import { serviceTable, serviceTableRemoval } from '@keelson/proxy/rules/service-table';
import { servicePortsOf } from '@keelson/proxy/services';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Network, noNetworks } from './net.ts';

const reason = await noNetworks();

describe.skipIf(reason)(`services in the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  let [node, a, b, client]: Network[] = [];
  const all = () => [node!, a!, b!, client!];
  const tables = { IPv4: serviceTable('IPv4'), IPv6: serviceTable('IPv6') };
  let now = 0;

  const place = (family: Family): Surroundings => ({
    family,
    nodeName: 'here',
    zone: '',
    nodeIp: family === 'IPv4' ? '10.7.9.1' : 'fd07:9::1',
    mark: '0x4000',
    masqueradeAll: false,
    // Pods are in 10.7.1.0/24 and 10.7.2.0/24, the client in 10.7.9.0/24.
    fromPods:
      family === 'IPv4' ? { matches: 'ip saddr 10.7.0.0/21', matchesNot: 'ip saddr != 10.7.0.0/21' } : undefined,
    nodePortIps: undefined,
    serviceRanges: family === 'IPv4' ? ['10.96.0.0/12'] : ['fd96::/108'],
  });

  beforeAll(async () => {
    [node, a, b, client] = ['n', 'a', 'b', 'c'].map((kind) => new Network(kind));
    node!.forward();
    node!.join(a!, 1);
    node!.join(b!, 2);
    node!.join(client!, 9);
    node!.leadTo('10.7.9.2', 'fd07:9::2');
    await Promise.all([a!.serve('a', 8080), b!.serve('b', 8080), node!.serve('node', 9090)]);
    for (const family of ['IPv4', 'IPv6'] as const) {
      await systemNft(node!.within).apply(tables[family].replacement(baseRules(place(family)), new Map()));
    }
  });
  afterAll(async () => {
    for (const network of all()) await network.stop();
  });

  interface Spec {
    readonly spec?: Partial<NonNullable<Service['spec']>>;
    readonly ingress?: string;
    /** Which of the two are endpoints, and whether they are this node's. */
    readonly endpoints?: readonly ('a' | 'b')[];
    readonly elsewhere?: readonly ('a' | 'b')[];
    readonly family?: Family;
  }

  /** Makes the service what it says, in one transaction; all else stays. */
  async function set(name: string, wanted: Spec | undefined): Promise<void> {
    const family = wanted?.family ?? 'IPv4';
    const text = tables[family].change(new Map([[name, wanted && rulesOf(name, wanted, family)]]), now);
    await systemNft(node!.within).apply(text);
    now += 10_000;
    await systemNft(node!.within).apply(tables[family].sweep(now));
  }

  function rulesOf(name: string, { spec, ingress, endpoints = ['a', 'b'], elsewhere = [] }: Spec, family: Family) {
    const service: Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'ns' },
      spec: { ports: [{ port: 80, protocol: 'TCP' }], ...spec },
      status: { loadBalancer: ingress === undefined ? {} : { ingress: [{ ip: ingress }] } },
    };
    const address = {
      a: family === 'IPv4' ? '10.7.1.2' : 'fd07:1::2',
      b: family === 'IPv4' ? '10.7.2.2' : 'fd07:2::2',
    };
    const slice: EndpointSlice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'ns' },
      addressType: family,
      endpoints: endpoints.map((each) => ({
        addresses: [address[each]],
        conditions: {},
        nodeName: elsewhere.includes(each) ? 'there' : 'here',
      })),
      ports: (service.spec!.ports ?? []).map(({ protocol = 'TCP' }) => ({ name: '', protocol, port: 8080 })),
    };
    const ports = servicePortsOf(service, family);
    return serviceRules(ports, endpointsOf([slice], family, 'here'), place(family));
  }

  const answers = (network: Network, host: string, port: number, tries = 12) =>
    [...new Set(Array.from({ length: tries }, () => network.ask(host, port)))].sort();

  test('a cluster address leads to all endpoints, from pods with their own address and from outside with the node’s', async () => {
    await set('web', { spec: { clusterIP: '10.96.0.7' } });
    expect(answers(a!, '10.96.0.7', 80)).toEqual(['a 10.7.1.1', 'b 10.7.1.2']);
    expect(answers(client!, '10.96.0.7', 80)).toEqual(['a 10.7.1.1', 'b 10.7.2.1']);
    expect(answers(node!, '10.96.0.7', 80, 3).every((text) => /^[ab] 10\.7/.test(text))).toBe(true);
  });

  test('its other ports are refused, other addresses of the range are silent', async () => {
    await set('web', { spec: { clusterIP: '10.96.0.7' } });
    expect(a!.ask('10.96.0.7', 81)).toBe('ECONNREFUSED');
    expect(a!.ask('10.96.0.99', 80)).toBe('no answer');
  });

  test('no endpoints: refused; then one comes, and goes again', async () => {
    await set('web', { spec: { clusterIP: '10.96.0.7' }, endpoints: [] });
    expect(a!.ask('10.96.0.7', 80)).toBe('ECONNREFUSED');
    await set('web', { spec: { clusterIP: '10.96.0.7' }, endpoints: ['b'] });
    expect(answers(a!, '10.96.0.7', 80, 2)).toEqual(['b 10.7.1.2']);
    await set('web', undefined);
    expect(a!.ask('10.96.0.7', 80)).toBe('no answer');
  });

  test('UDP', async () => {
    await set('udp', { spec: { clusterIP: '10.96.0.8', ports: [{ port: 53, protocol: 'UDP' }] }, endpoints: ['b'] });
    expect(a!.ask('10.96.0.8', 53, 'udp')).toBe('b 10.7.1.2');
  });

  test('a port of the node, at each of its addresses, and for itself', async () => {
    const ports = [{ port: 80, protocol: 'TCP' as const, nodePort: 30_080 }];
    await set('np', { spec: { clusterIP: '10.96.0.9', type: 'NodePort', ports } });
    expect(answers(client!, '10.7.9.1', 30_080)).toEqual(['a 10.7.1.1', 'b 10.7.2.1']);
    expect(client!.ask('10.7.1.1', 30_080)).toMatch(/^[ab] /);
    expect(node!.ask('10.7.9.1', 30_080)).toMatch(/^[ab] /);
    await set('np', { spec: { clusterIP: '10.96.0.9', type: 'NodePort', ports }, endpoints: [] });
    expect(client!.ask('10.7.9.1', 30_080)).toBe('ECONNREFUSED');
    await set('np', undefined);
  });

  test('a load balancer’s address with the policy Local keeps the client’s address, and takes what is here', async () => {
    const spec = { clusterIP: '10.96.0.10', type: 'LoadBalancer', externalTrafficPolicy: 'Local' } as const;
    await set('lb', { spec, ingress: '203.0.113.5', elsewhere: ['b'] });
    expect(answers(client!, '203.0.113.5', 80)).toEqual(['a 10.7.9.2']);
    // From a pod, as if it went out and came back.
    expect(answers(a!, '203.0.113.5', 80)).toEqual(['a 10.7.1.1', 'b 10.7.1.2']);
    await set('lb', { spec, ingress: '203.0.113.5', elsewhere: ['a', 'b'] });
    expect(client!.ask('203.0.113.5', 80)).toBe('no answer');
    await set('lb', { spec: { ...spec, loadBalancerSourceRanges: ['192.0.2.0/24'] }, ingress: '203.0.113.5' });
    expect(client!.ask('203.0.113.5', 80)).toBe('no answer');
    await set('lb', { spec: { ...spec, loadBalancerSourceRanges: ['10.7.9.0/24'] }, ingress: '203.0.113.5' });
    expect(client!.ask('203.0.113.5', 80)).toMatch(/10\.7\.9\.2$/);
  });

  test('an external address', async () => {
    await set('ext', { spec: { clusterIP: '10.96.0.11', externalIPs: ['198.51.100.7'] }, endpoints: ['a'] });
    expect(client!.ask('198.51.100.7', 80)).toBe('a 10.7.1.1');
  });

  test('the internal policy Local', async () => {
    const spec = { clusterIP: '10.96.0.12', internalTrafficPolicy: 'Local' };
    await set('int', { spec, elsewhere: ['b'] });
    expect(answers(b!, '10.96.0.12', 80, 6)).toEqual(['a 10.7.2.2']);
    await set('int', { spec, elsewhere: ['a', 'b'] });
    expect(b!.ask('10.96.0.12', 80)).toBe('no answer');
  });

  test('who has an affinity keeps it, also when the whole table is replaced', async () => {
    const affinity = {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    } as const;
    const wanted: Spec = { spec: { clusterIP: '10.96.0.13', ...affinity } };
    await set('aff', wanted);
    const [first] = answers(client!, '10.96.0.13', 80);
    expect(answers(client!, '10.96.0.13', 80)).toEqual([first]);
    const nft = systemNft(node!.within);
    const remembered = await nft.remembered('IPv4');
    expect(remembered).toMatchObject([{ address: '10.7.9.2' }]);
    const parts = new Map([['aff', rulesOf('aff', wanted, 'IPv4')]]);
    await nft.apply(tables.IPv4.replacement(baseRules(place('IPv4')), parts, remembered));
    expect(answers(client!, '10.96.0.13', 80)).toEqual([first]);
    await set('aff', {
      spec: { clusterIP: '10.96.0.13', ...affinity },
      endpoints: [first!.startsWith('a') ? 'b' : 'a'],
    });
    expect(client!.ask('10.96.0.13', 80).charAt(0)).not.toBe(first!.charAt(0));
    await set('aff', undefined);
  });

  test('IPv6', async () => {
    await set('six', { family: 'IPv6', spec: { clusterIP: 'fd96::7' } });
    expect(answers(client!, 'fd96::7', 80)).toEqual(['a fd07:9::2', 'b fd07:9::2']);
    expect(answers(a!, 'fd96::7', 80)).toEqual(['a fd07:1::1', 'b fd07:1::2']);
    expect(client!.ask('fd96::7', 81)).toBe('ECONNREFUSED');
  });

  test('a transaction that fails changes nothing', async () => {
    const nft = systemNft(node!.within);
    await set('web', { spec: { clusterIP: '10.96.0.7' }, endpoints: ['a'] });
    const before = node!.run('nft', 'list', 'ruleset');
    const text = tables.IPv4.change(new Map([['web', undefined]]), now);
    await expect(nft.apply(`${text}add rule ip kube-proxy nowhere drop\n`)).rejects.toThrow(/No such file/);
    expect(node!.run('nft', 'list', 'ruleset')).toBe(before);
    await nft.apply(serviceTableRemoval('IPv4'));
    expect(node!.run('nft', 'list', 'tables')).toBe('table ip6 kube-proxy\n');
  });
});
