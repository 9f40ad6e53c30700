/** What of NetworkPolicies stands in the kernel's table (nft(8)). */
import { FAMILIES, type Family } from '@keelson/proxy/addresses';
import { addressType, protocolOf } from '@keelson/proxy/rules/base';
import { hashed } from '@keelson/proxy/rules/names';
import type { Chain, Declaration, Element, Rules } from '@keelson/proxy/rules/rules';
import { type Allowance, DIRECTIONS, type Direction, type IsolatedPod, type Peers, type Ports } from './isolation.ts';

export const TABLE = 'inet keelson-policies';
export const COMMENT = 'what network policies allow';

/** Who the pod is, and who its peer, in a packet. */
const ENDS = { ingress: { pod: 'daddr', peer: 'saddr' }, egress: { pod: 'saddr', peer: 'daddr' } } as const;
/** Both before what others filter; what egress accepts is still asked of ingress, which is a chain of its own. */
const PRIORITY = { egress: -2, ingress: -1 } as const;

const digit = (family: Family) => (family === 'IPv4' ? '4' : '6');
const podsMap = (direction: Direction, family: Family) => `${direction}-pods${digit(family)}`;
const selfSet = (family: Family) => `self${digit(family)}`;
const policyChain = (direction: Direction, policy: string) => `allow-${direction}-${hashed(policy)}`;

/** What is forwarded passes two chains; who is not isolated is in no map. Replies, and what a pod sends itself, are let through. */
export function baseRules(): Rules {
  const chains = new Map<string, Chain>();
  const sets = new Map<string, Declaration>();
  for (const family of FAMILIES) {
    const type = addressType(family);
    sets.set(selfSet(family), { kind: 'set', body: `type ${type} . ${type} ;` });
  }
  for (const direction of DIRECTIONS) {
    for (const family of FAMILIES)
      sets.set(podsMap(direction, family), { kind: 'map', body: `type ${addressType(family)} : verdict ;` });
    chains.set(direction, {
      hook: `type filter hook forward priority ${PRIORITY[direction]}`,
      rules: [
        'ct state established,related accept',
        ...FAMILIES.map((family) => `${pair(family)} @${selfSet(family)} accept`),
        ...FAMILIES.map((family) => `${protocolOf(family)} ${ENDS[direction].pod} vmap @${podsMap(direction, family)}`),
      ],
    });
  }
  return { chains, sets, elements: [] };
}

const pair = (family: Family) => `${protocolOf(family)} saddr . ${protocolOf(family)} daddr`;

/** Each set of policies that select a pod is a chain, which the pod's addresses lead to. */
export function podRules(pods: readonly IsolatedPod[]): Rules {
  const chains = new Map<string, Chain>();
  const elements: Element[] = [];
  for (const { addresses, policies } of pods) {
    for (const direction of DIRECTIONS) {
      const names = policies[direction];
      if (names.length === 0) continue;
      const chain = `${direction}-${hashed(names.join('_'))}`;
      chains.set(chain, {
        hook: '',
        rules: [...names.map((name) => `jump ${policyChain(direction, name)}`), 'drop'],
      });
      for (const { family, address } of addresses)
        elements.push({ of: podsMap(direction, family), key: address, verdict: `jump ${chain}` });
    }
    for (const { family, address } of addresses)
      elements.push({ of: selfSet(family), key: `${address} . ${address}`, verdict: '' });
  }
  return { chains, sets: new Map(), elements };
}

/** A chain that accepts what the policy allows; who its peers and what their named ports are is in sets. */
export function policyRules(policy: string, direction: Direction, allowances: readonly Allowance[]): Rules {
  const sets = new Map<string, Declaration>();
  const elements: Element[] = [];
  const rules = allowances.flatMap(({ peers, ports }, i) => {
    const name = (kind: string, family: Family) => `${kind}${digit(family)}-${hashed(`${policy}/${direction}/${i}`)}`;
    for (const family of FAMILIES) {
      const type = addressType(family);
      if (peers?.pods) {
        const of = name('peers', family);
        sets.set(of, { kind: 'set', body: `type ${type} ;` });
        for (const pod of peers.pods) if (pod.family === family) elements.push({ of, key: pod.address, verdict: '' });
      }
      if (ports?.named) {
        const of = name('ports', family);
        sets.set(of, { kind: 'set', body: `type ${type} . inet_proto . inet_service ;` });
        for (const { address, protocol, port, ...named } of ports.named)
          if (named.family === family) elements.push({ of, key: `${address} . ${protocol} . ${port}`, verdict: '' });
      }
    }
    const who = peerMatches(peers, ENDS[direction].peer, (family) => name('peers', family));
    const what = portMatches(ports, (family) => name('ports', family));
    return who.flatMap((peer) =>
      what
        .filter(({ family }) => family === undefined || peer.family === undefined || family === peer.family)
        .map((port) => [peer.text, port.text, 'accept'].filter((text) => text !== '').join(' ')),
    );
  });
  return { chains: new Map([[policyChain(direction, policy), { hook: '', rules }]]), sets, elements };
}

/** One way to be allowed. */
interface Match {
  /** Undefined: packets of both. */
  readonly family: Family | undefined;
  readonly text: string;
}

const ANY: Match = { family: undefined, text: '' };

function peerMatches(peers: Peers | undefined, end: string, setOf: (family: Family) => string): Match[] {
  if (peers === undefined) return [ANY];
  return FAMILIES.flatMap((family) => {
    const field = `${protocolOf(family)} ${end}`;
    const blocks = peers.blocks.filter((block) => block.family === family);
    const whole = blocks.filter(({ except }) => except.length === 0).map(({ range }) => range);
    const texts = [
      ...(peers.pods ? [`${field} @${setOf(family)}`] : []),
      ...(whole.length > 0 ? [`${field} { ${whole.join(', ')} }`] : []),
      ...blocks
        .filter(({ except }) => except.length > 0)
        .map(({ range, except }) => `${field} ${range} ${field} != { ${except.join(', ')} }`),
    ];
    return texts.map((text) => ({ family, text }));
  });
}

function portMatches(ports: Ports | undefined, setOf: (family: Family) => string): Match[] {
  if (ports === undefined) return [ANY];
  const byProtocol = Map.groupBy(ports.ranges, ({ protocol }) => protocol);
  const numbers = [...byProtocol].map(([protocol, all]) => {
    const ranges = all.map(({ range }) => range);
    if (ranges.includes(undefined)) return { family: undefined, text: `meta l4proto ${protocol}` };
    const texts = ranges.map((range) => (range![0] === range![1] ? `${range![0]}` : `${range![0]}-${range![1]}`));
    return { family: undefined, text: `${protocol} dport { ${texts.join(', ')} }` };
  });
  const named = FAMILIES.map((family) => ({
    family,
    text: `${protocolOf(family)} daddr . meta l4proto . th dport @${setOf(family)}`,
  }));
  return [...numbers, ...(ports.named ? named : [])];
}
