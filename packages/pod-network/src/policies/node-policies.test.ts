import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { NetworkPolicy, NetworkPolicySpec } from '@keelson/api/generated/types/networking/v1';
import { expect, test } from 'vitest';
import { KernelTable } from '../testing/kernel-table.ts';
import { pod, policy } from '../testing/policy-objects.ts';
import { nameOf } from './isolation.ts';
import { memberOf } from './members.ts';
import { NodePolicies } from './node-policies.ts';

/** A node whose kernel has what was set so far. */
class Node {
  readonly policies = new NodePolicies('here');
  readonly kernel = new KernelTable();
  pieces = 0;

  constructor() {
    this.kernel.apply([...this.policies.rewriting()].join(''));
  }
  set(...objects: readonly (Pod | NetworkPolicy)[]): this {
    for (const object of objects) this.#tell(object, true);
    return this;
  }
  forget(object: Pod | NetworkPolicy): this {
    this.#tell(object, false);
    return this;
  }
  namespaces(all: Record<string, Record<string, string> | undefined>): this {
    for (const [name, labels] of Object.entries(all)) this.policies.setNamespace(name, labels);
    return this;
  }
  /** @param between is called after each piece @returns how many elements came and went */
  write(between = (_piece: number) => {}): { added: number; deleted: number } {
    const before = { ...this.kernel.elements };
    let text = '';
    let piece = 0;
    for (const each of this.policies.changes(0)) {
      text += each;
      between(piece++);
    }
    this.pieces += piece;
    this.kernel.apply(text);
    const { added, deleted } = this.kernel.elements;
    return { added: added - before.added, deleted: deleted - before.deleted };
  }
  /** In their direction. */
  isolatedIn(direction: string): string[] {
    return Object.keys(this.#verdicts(direction, 'jump'));
  }
  get isolated(): Record<string, string> {
    return this.#verdicts('ingress', 'jump');
  }
  #verdicts(direction: string, verdict: string): Record<string, string> {
    const { sets } = this.kernel;
    const all = [...sets.get(`${direction}-pods-4`)!, ...sets.get(`${direction}-pods-6`)!];
    return Object.fromEntries(all.filter(([, each]) => each.startsWith(verdict)));
  }
  #tell(object: Pod | NetworkPolicy, isThere: boolean): void {
    if ('containers' in object.spec!) {
      const name = `${object.metadata.namespace}/${object.metadata.name}`;
      this.policies.setPod(name, isThere ? memberOf(object as Pod) : undefined);
    } else this.policies.setPolicy(nameOf(object as NetworkPolicy), isThere ? (object as NetworkPolicy) : undefined);
  }
}

const web = { matchLabels: { app: 'web' } };
const from = (...peers: NonNullable<NetworkPolicySpec['ingress']>[number]['from'] & object) => ({
  ingress: [{ from: peers }],
});

test('who is isolated: pods of a namespace that are here, run, and have the labels', () => {
  const node = new Node();
  node.set(
    pod('a/web', ['10.1.0.1', 'FD00::0:1'], { labels: { app: 'web' } }),
    pod('a/db', ['10.1.0.2'], { labels: { app: 'db' } }),
    pod('a/there', ['10.1.0.3'], { labels: { app: 'web' }, nodeName: 'there' }),
    pod('b/web', ['10.1.0.4'], { labels: { app: 'web' } }),
    pod('a/ended', ['10.1.0.5'], { labels: { app: 'web' }, phase: 'Succeeded' }),
    pod('a/host', ['10.0.0.1'], { labels: { app: 'web' }, hostNetwork: true }),
    pod('a/new', [], { labels: { app: 'web' } }),
    policy('a/web', { podSelector: web }),
    policy('a/nobody', { podSelector: { matchLabels: { app: '!' } } }),
    policy('a/out', { policyTypes: ['Egress'] }),
  );
  node.write();
  expect(Object.keys(node.isolated)).toEqual(['10.1.0.1', 'fd00::1']);
  expect(node.isolatedIn('egress')).toEqual(['10.1.0.1', '10.1.0.2', 'fd00::1']);
  const chain = node.isolated['10.1.0.1']!.slice('jump '.length);
  expect(node.kernel.chains.get(chain)).toEqual([expect.stringMatching(/^jump allow-ingress-\w+-a\/web$/), 'drop']);
});

test('addresses of the node that no pod is known to have are dropped, in directions in which some policy isolates', () => {
  const node = new Node().set(pod('a/open', ['10.1.0.1']), pod('a/there', ['10.1.1.1'], { nodeName: 'there' }));
  node.policies.setRanges(['10.1.0.0/24', 'fd00::/64']);
  node.write();
  const { sets, chains } = node.kernel;
  const dropped = () =>
    ['ingress-ranges-4', 'ingress-ranges-6', 'egress-ranges-4'].map((name) => [...sets.get(name)!.keys()].join());
  expect(dropped()).toEqual(['', '', '']);
  node.set(policy('b/p', {})).write();
  expect(dropped()).toEqual(['10.1.0.0/24', 'fd00::/64', '']);
  // Who is known comes first, isolated or not.
  expect(chains.get('ingress')!.slice(-4)).toEqual([
    'ip daddr vmap @ingress-pods-4',
    'ip6 daddr vmap @ingress-pods-6',
    'ip daddr @ingress-ranges-4 drop',
    'ip6 daddr @ingress-ranges-6 drop',
  ]);
  expect([...sets.get('ingress-pods-4')!]).toEqual([['10.1.0.1', 'accept']]);
  node.set(policy('b/p', { policyTypes: ['Egress'] })).write();
  expect(dropped()).toEqual(['', '', '10.1.0.0/24']);
  node.policies.setRanges(['10.1.2.0/24']);
  node.write();
  expect(dropped()).toEqual(['', '', '10.1.2.0/24']);
});

test('an address that has passed on is the younger pod’s', () => {
  const old = pod('a/old', ['10.1.0.9'], { created: '2026-01-01T00:00:00Z' });
  const young = pod('c/young', ['10.1.0.9'], { created: '2026-01-01T00:01:00Z' });
  for (const both of [
    [old, young],
    [young, old],
  ]) {
    const node = new Node().set(...both, policy('a/p', {}));
    node.write();
    expect(node.isolated).toEqual({});
    node.forget(young).write();
    expect(Object.keys(node.isolated)).toEqual(['10.1.0.9']);
    node.set(young, policy('c/p', {})).write();
    expect(node.isolated['10.1.0.9']).toMatch(/c\/p$/);
  }
});

/** 300 policies, a third of which let all pods in, over 10,000 pods in 50 namespaces; 50 of these are here. */
function many() {
  const node = new Node();
  const pods = Array.from({ length: 10_000 }, (_, i) =>
    pod(`n${i % 50}/p${i}`, [`10.1.${i >> 8}.${i & 255}`], {
      labels: { app: `a${i % 7}` },
      nodeName: i < 50 ? 'here' : 'there',
    }),
  );
  const policies = Array.from({ length: 300 }, (_, i) =>
    policy(
      `n${i % 50}/p${i}`,
      i % 3 === 0
        ? from({ namespaceSelector: {} })
        : from({ podSelector: { matchLabels: { app: `a${Math.floor(i / 50) % 3}` } } }),
    ),
  );
  node.namespaces(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`n${i}`, {}])));
  node.set(...pods, ...policies);
  return { node, pods, policies };
}

test('policies that let in the same pods share a set; what changes one pod touches its sets alone', () => {
  const { node, pods, policies } = many();
  node.write();
  const peers = [...node.kernel.sets].filter(([name]) => name.startsWith('peers-'));
  // All pods, and two apps in each namespace, for each family.
  expect(peers).toHaveLength(2 * (1 + 2 * 50));
  expect(Math.max(...peers.map(([, { size }]) => size))).toBe(10_000);
  expect(peers.reduce((sum, [, { size }]) => sum + size, 0)).toBeLessThan(15_000);
  expect(node.write()).toEqual({ added: 0, deleted: 0 });

  const labelled = { ...pods[9_000]!, metadata: { ...pods[9_000]!.metadata, labels: { app: 'a1' } } };
  const before = node.kernel.state;
  node.set(labelled).write();
  const after = node.kernel.state;
  const changed = Object.keys(before).filter((name) => before[name]!.join() !== after[name]!.join());
  expect(changed.every((name) => name.startsWith('peers-'))).toBe(true);
  expect(changed.length).toBeLessThanOrEqual(2);
  expect(node.set({ ...labelled, metadata: pods[9_000]!.metadata }).write().added).toBeLessThanOrEqual(1);
  expect(node.set(pod('n0/more', ['10.2.0.1'], { nodeName: 'there' })).write()).toEqual({ added: 1, deleted: 0 });
  // One of many that mean the same: the pod that it selected gets another chain, no set comes or goes.
  expect(node.forget(policies[0]!).write()).toEqual({ added: 1, deleted: 1 });
});

test('what takes long is in pieces, and what happens between them is not lost', () => {
  const { node, pods } = many();
  const other = new Node().namespaces(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`n${i}`, {}])));
  node.write((piece) => {
    if (piece % 5 === 0) node.set(pod(`n1/late${piece}`, ['10.3.0.1'], { created: `${piece}` }));
    if (piece === 20) node.forget(pods[1]!).namespaces({ n2: undefined });
    if (piece === 30) node.set(policy('n3/late', from({ namespaceSelector: web })));
  });
  expect(node.pieces).toBeGreaterThan(100);
  node.write();
  const { policies: all } = many();
  other.set(...pods, ...all, policy('n3/late', from({ namespaceSelector: web })));
  for (let piece = 0; piece < node.pieces; piece += 5)
    other.set(pod(`n1/late${piece}`, ['10.3.0.1'], { created: `${piece}` }));
  other.forget(pods[1]!).namespaces({ n2: undefined }).write();
  expect(node.kernel.state).toEqual(other.kernel.state);
});

test('after whatever has happened the table is what it would have been at once', () => {
  // A generator of numbers with a seed (Lehmer): the same story each time.
  let seed = 7;
  const below = (n: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % n;
  };
  const of = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const [spaces, values] = [
    ['a', 'b', 'c'],
    ['x', 'y'],
  ];
  const labels = (): Record<string, string> => (below(4) === 0 ? {} : { app: of(values) });
  const selector = () => of([{}, { matchLabels: { app: 'x' } }, { matchLabels: { app: 'y' } }]);
  const peer = () =>
    of([{ podSelector: selector() }, { namespaceSelector: selector() }, { ipBlock: { cidr: '10.0.0.0/8' } }]);
  const port = () => of([{ port: 80 }, { port: 'http' }, { port: 'http', protocol: 'UDP' }]);
  const rules = () => Array.from({ length: below(3) }, () => ({ peers: [peer(), peer()], ports: [port()] }));
  const spec = (): Partial<NetworkPolicySpec> => ({
    podSelector: selector(),
    policyTypes: of([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
    ingress: rules().map(({ peers, ports }) => ({ from: peers, ports })),
    egress: rules().map(({ peers, ports }) => ({ to: peers, ports })),
  });
  const node = new Node();
  const now = new Map<string, Pod | NetworkPolicy>();
  const namespaces: Record<string, Record<string, string> | undefined> = {};
  for (let step = 0; step < 400; step++) {
    const name = `${of(spaces)}/${below(8)}`;
    const kind = below(10);
    if (kind === 0) {
      const space = of(spaces);
      namespaces[space] = below(4) === 0 ? undefined : labels();
      node.namespaces({ [space]: namespaces[space] });
    } else {
      const object =
        kind < 4
          ? policy(name, spec())
          : pod(name, below(5) === 0 ? [] : [`10.1.0.${below(12)}`], {
              labels: labels(),
              nodeName: of(['here', 'there']),
              created: `${step}`,
              ports: of([[], [{ name: 'http', containerPort: 8080 }]]),
            });
      const id = `${kind < 4} ${name}`;
      if (below(4) === 0 && now.has(id)) {
        node.forget(now.get(id)!);
        now.delete(id);
      } else {
        node.set(object);
        now.set(id, object);
      }
    }
    if (below(3) > 0) continue;
    node.write();
    const anew = new Node().namespaces(namespaces).set(...now.values());
    anew.write();
    expect(node.kernel.state).toEqual(anew.kernel.state);
    const whole = new KernelTable();
    whole.apply([...node.policies.rewriting()].join(''));
    expect(whole.state).toEqual(node.kernel.state);
  }
});
