/** What the kernel does with packets of pods that NetworkPolicies select. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { NetworkPolicySpec } from '@keelson/api/generated/types/networking/v1';
import { systemKernel } from '@keelson/pod-network';
import { memberOf } from '@keelson/pod-network/policies/members';
import { NodePolicies } from '@keelson/pod-network/policies/node-policies';
import { removePolicies } from '@keelson/pod-network/policies/policies';
import { pod, policy } from '@keelson/pod-network/testing/policy-objects';
import { systemNft } from '@keelson/proxy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Network, noNetworks } from './net.ts';
import { servicesFor } from './services.ts';

const reason = await noNetworks();
const soon = { timeout: 30_000, interval: 100 };
const NO = 'no answer';
const [A, B, OUTSIDE, SERVICE] = ['10.7.1.2', '10.7.2.2', '10.7.9.2', '10.96.0.7'];
/** The proxy's table, with a service of which b is the endpoint. */
const services = servicesFor({
  family: 'IPv4',
  nodeName: 'here',
  ranges: '10.7.0.0/21',
  address: SERVICE!,
  endpoint: B!,
  at: 'here',
});

describe.skipIf(reason)(`policies in the kernel${reason ? `: ${reason}` : ''}`, { timeout: 120_000 }, () => {
  let [node, a, b, outside]: Network[] = [];
  const policies = new NodePolicies('here');
  let names: string[] = [];
  const ports = [{ name: 'web', containerPort: 8080 }];
  const podsWith = (labels: Record<string, string> = {}): Pod[] => [
    pod('one/a', [A, 'fd07:1::2'], { labels: { app: 'a', ...labels }, ports }),
    pod('two/b', [B, 'fd07:2::2'], { labels: { app: 'b' }, ports }),
  ];

  beforeAll(async () => {
    [node, a, b, outside] = ['n', 'a', 'b', 'o'].map((kind) => new Network(kind));
    node!.forward();
    node!.join(a!, 1);
    node!.join(b!, 2);
    node!.join(outside!, 9);
    await Promise.all([
      ...[a!, b!, outside!].flatMap((each, i) => [8080, 8081].map((port) => each.serve('abo'[i]!, port))),
      node!.serve('node', 8080),
    ]);
    await systemNft(node!.within).apply(services);
    await systemKernel(node!.within).applyTables([...policies.rewriting()].join(''));
  }, 60_000);
  afterAll(async () => {
    for (const network of [node, a, b, outside]) await network?.stop();
  });

  /** Makes the table what these mean, in one transaction, as a change of what it was. @returns the transaction */
  async function set(specs: Record<string, Partial<NetworkPolicySpec>>, pods = podsWith()): Promise<string> {
    for (const name of ['one', 'two']) policies.setNamespace(name, { team: name });
    for (const each of pods) policies.setPod(`${each.metadata.namespace}/${each.metadata.name}`, memberOf(each));
    for (const name of names.filter((each) => !(each in specs))) policies.setPolicy(name, undefined);
    for (const [name, spec] of Object.entries(specs)) policies.setPolicy(name, policy(name, spec));
    names = Object.keys(specs);
    const text = [...policies.changes(0)].join('');
    await systemKernel(node!.within).applyTables(text);
    return text;
  }
  const answered = (from: Network, host: string, port: number, by: string, kind?: 'udp') =>
    expect.poll(() => from.ask(host, port, kind), soon).toMatch(new RegExp(`^${by} `));
  const denied = (from: Network, host: string, port: number, kind?: 'udp') =>
    expect(from.ask(host, port, kind)).toBe(NO);

  test('without policies all is let through', async () => {
    await answered(a!, B, 8080, 'b');
    await answered(outside!, B, 8080, 'b');
  });

  test('an isolated pod is reached by its node alone, answers that, and speaks to others', async () => {
    await set({ 'two/deny': {} });
    denied(a!, B, 8080);
    denied(a!, 'fd07:2::2', 8080);
    denied(outside!, B, 8080, 'udp');
    await answered(node!, B, 8080, 'b');
    await answered(b!, A, 8080, 'a');
    await answered(b!, 'fd07:1::2', 8080, 'a');
  });

  test('peers by their selectors; who gets the labels is an element more', async () => {
    const from = [{ namespaceSelector: { matchLabels: { team: 'one' } }, podSelector: { matchLabels: { ok: 'yes' } } }];
    await set({ 'two/deny': {}, 'two/allow': { ingress: [{ from }] } });
    denied(a!, B, 8080);
    const text = await set({ 'two/deny': {}, 'two/allow': { ingress: [{ from }] } }, podsWith({ ok: 'yes' }));
    expect(text.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^add element inet keelson-policies peers-\S+-4 \{ 10\.7\.1\.2 \}$/),
      expect.stringMatching(/^add element inet keelson-policies peers-\S+-6 \{ fd07:1::2 \}$/),
    ]);
    await answered(a!, B, 8080, 'b');
    await answered(a!, 'fd07:2::2', 8080, 'b');
    denied(outside!, B, 8080);
  });

  test('ports: numbers, ranges, names, protocols', async () => {
    await set({ 'two/p': { ingress: [{ ports: [{ port: 'web' }] }] } });
    await answered(a!, B, 8080, 'b');
    denied(a!, B, 8081);
    denied(a!, B, 8080, 'udp');
    await set({ 'two/p': { ingress: [{ ports: [{ port: 8000, endPort: 8080, protocol: 'UDP' }, { port: 8081 }] }] } });
    await answered(a!, B, 8080, 'b', 'udp');
    await answered(a!, B, 8081, 'b');
    denied(a!, B, 8080);
  });

  test('blocks with exceptions', async () => {
    const ipBlock = { cidr: '10.0.0.0/8', except: ['10.7.1.0/24'] };
    await set({ 'two/p': { ingress: [{ from: [{ ipBlock }] }] } });
    await answered(outside!, B, 8080, 'b');
    denied(a!, B, 8080);
  });

  test('egress: peers and their named ports; the node is always reached; both ends have a say', async () => {
    const egress = [{ to: [{ namespaceSelector: {} }], ports: [{ port: 'web' }] }];
    await set({ 'one/p': { policyTypes: ['Egress'], egress } });
    await answered(a!, B, 8080, 'b');
    await answered(a!, '10.7.1.1', 8080, 'node');
    await answered(b!, A, 8081, 'a');
    denied(a!, B, 8081);
    denied(a!, OUTSIDE!, 8080);
    await set({ 'one/p': { policyTypes: ['Egress'], egress }, 'two/deny': {} });
    denied(a!, B, 8080);
  });

  test('through a service it is the pod behind it that counts, and a pod reaches itself', async () => {
    const from = [{ namespaceSelector: { matchLabels: { team: 'one' } } }];
    await set({
      'two/p': { policyTypes: ['Ingress', 'Egress'], ingress: [{ from, ports: [{ port: 8080 }] }] },
      'one/p': { policyTypes: ['Egress'], egress: [{ to: [{ namespaceSelector: {} }], ports: [{ port: 8080 }] }] },
    });
    await answered(a!, SERVICE!, 80, 'b');
    denied(outside!, SERVICE!, 80);
    await answered(b!, SERVICE!, 80, 'b');
    denied(b!, A, 8080);
  });

  test('an address of the node is nobody’s until a pod is known to have it', async () => {
    policies.setRanges(['10.7.2.0/24', 'fd07:2::/64']);
    const unknown = [podsWith()[0]!, pod('two/b', [], { labels: { app: 'b' }, ports })];
    await set({ 'two/p': { podSelector: { matchLabels: { app: 'else' } } } }, unknown);
    denied(a!, B, 8080);
    denied(a!, 'fd07:2::2', 8080);
    await answered(node!, B, 8080, 'b');
    // No policy is about what pods send.
    await answered(b!, A, 8080, 'a');
    await set({ 'two/p': { podSelector: { matchLabels: { app: 'else' } } } });
    await answered(a!, B, 8080, 'b');
    await answered(a!, 'fd07:2::2', 8080, 'b');
    await set({}, unknown);
    await answered(a!, B, 8080, 'b');
    await set({});
  });

  test('what policies leave goes with them', async () => {
    await set({ 'two/deny': {} });
    denied(a!, B, 8080);
    await set({});
    await answered(a!, B, 8080, 'b');
    await removePolicies(systemKernel(node!.within));
    await removePolicies(systemKernel(node!.within));
    expect(node!.run('nft', 'list', 'tables')).not.toContain('keelson');
  });
});
