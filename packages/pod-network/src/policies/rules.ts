/** What of NetworkPolicies stands in the kernel's table (nft(8)). */
import { FAMILIES, type Family, familyOfRange } from '@keelson/proxy/addresses';
import { addressType, protocolOf } from '@keelson/proxy/rules/base';
import { hashed } from '@keelson/proxy/rules/names';
import type { Chain, Declaration, Element, Rules } from '@keelson/proxy/rules/rules';
import { type Allowance, DIRECTIONS, type Direction, type Peers, type Ports } from './isolation.ts';
import type { Address } from './members.ts';
import { inFamily } from './pod-sets.ts';

export const TABLE = 'inet keelson-policies';
export const COMMENT = 'what network policies allow';

/** Who the pod is, and who its peer, in a packet. */
const ENDS = { ingress: { pod: 'daddr', peer: 'saddr' }, egress: { pod: 'saddr', peer: 'daddr' } } as const;
/** Both before what others filter; what egress accepts is still asked of ingress, which is a chain of its own. */
const PRIORITY = { egress: -2, ingress: -1 } as const;

const SELF = 'self';
const podsMap = (direction: Direction) => `${direction}-pods`;
const rangesSet = (direction: Direction) => `${direction}-ranges`;
const policyChain = (direction: Direction, policy: string) => `allow-${direction}-${hashed(policy)}`;
/** The chain of pods that these policies select. */
const isolationChain = (direction: Direction, policies: readonly string[]): string =>
  `${direction}-${hashed(policies.join('_'))}`;

/**
 * What is forwarded passes two chains. Replies, and what a pod sends itself, are let through; the pods of the node that are known are in
 * a map; other addresses of the node's ranges are of pods that may have to be isolated.
 */
export function baseRules(): Rules {
  const chains = new Map<string, Chain>();
  const sets = new Map<string, Declaration>();
  for (const family of FAMILIES) {
    const type = addressType(family);
    sets.set(inFamily(SELF, family), { kind: 'set', body: `type ${type} . ${type} ;` });
    for (const direction of DIRECTIONS) {
      sets.set(inFamily(podsMap(direction), family), { kind: 'map', body: `type ${type} : verdict ;` });
      sets.set(inFamily(rangesSet(direction), family), { kind: 'set', body: `type ${type} ; flags interval ;` });
    }
  }
  for (const direction of DIRECTIONS) {
    const { pod } = ENDS[direction];
    const each = (rule: (family: Family, ip: string) => string) =>
      FAMILIES.map((family) => rule(family, protocolOf(family)));
    chains.set(direction, {
      hook: `type filter hook forward priority ${PRIORITY[direction]}`,
      rules: [
        'ct state established,related accept',
        ...each((family, ip) => `${ip} saddr . ${ip} daddr @${inFamily(SELF, family)} accept`),
        ...each((family, ip) => `${ip} ${pod} vmap @${inFamily(podsMap(direction), family)}`),
        ...each((family, ip) => `${ip} ${pod} @${inFamily(rangesSet(direction), family)} drop`),
      ],
    });
  }
  return { chains, sets, elements: [] };
}

/** What is dropped where no pod is known to have the address. @param ranges of pods of this node */
export function unknownRules(directions: readonly Direction[], ranges: readonly string[]): Rules {
  const elements = directions.flatMap((direction) =>
    ranges.map((key) => ({ of: inFamily(rangesSet(direction), familyOfRange(key)!), key, verdict: '' })),
  );
  return { chains: new Map(), sets: new Map(), elements };
}

/** The addresses of a pod of this node lead to its chains. @param by the policies that select it; none: it is not isolated there */
export function ownElements(
  addresses: readonly Address[],
  by: Readonly<Partial<Record<Direction, readonly string[]>>>,
): Element[] {
  const verdicts = DIRECTIONS.map((direction) => {
    const policies = by[direction];
    return [direction, policies ? `jump ${isolationChain(direction, policies)}` : 'accept'] as const;
  });
  return addresses.flatMap(({ family, address }) => [
    { of: inFamily(SELF, family), key: `${address} . ${address}`, verdict: '' },
    ...verdicts.map(([direction, verdict]) => ({ of: inFamily(podsMap(direction), family), key: address, verdict })),
  ]);
}

/** What one of the policies accepts is let through. */
export function isolationRules(direction: Direction, policies: readonly string[]): Rules {
  const rules = [...policies.map((policy) => `jump ${policyChain(direction, policy)}`), 'drop'];
  return chainAlone(isolationChain(direction, policies), rules);
}

/** A chain that accepts what the policy allows; who its peers and what their named ports are is in sets. */
export function policyRules(policy: string, direction: Direction, allowances: readonly Allowance[]): Rules {
  const rules = allowances.flatMap(({ peers, ports }) => {
    const what = portMatches(ports);
    return peerMatches(peers, ENDS[direction].peer).flatMap((peer) =>
      what
        .filter(({ family }) => family === undefined || peer.family === undefined || family === peer.family)
        .map((port) => [peer.text, port.text, 'accept'].filter((text) => text !== '').join(' ')),
    );
  });
  return chainAlone(policyChain(direction, policy), rules);
}

const chainAlone = (name: string, rules: readonly string[]): Rules => ({
  chains: new Map([[name, { hook: '', rules }]]),
  sets: new Map(),
  elements: [],
});

/** One way to be allowed. */
interface Match {
  /** Undefined: packets of both. */
  readonly family: Family | undefined;
  readonly text: string;
}

const ANY: Match = { family: undefined, text: '' };

function peerMatches(peers: Peers | undefined, end: string): Match[] {
  if (peers === undefined) return [ANY];
  return FAMILIES.flatMap((family) => {
    const field = `${protocolOf(family)} ${end}`;
    const blocks = peers.blocks.filter((block) => block.family === family);
    const whole = blocks.filter(({ except }) => except.length === 0).map(({ range }) => range);
    const texts = [
      ...peers.pods.map(({ name }) => `${field} @${inFamily(name, family)}`),
      ...(whole.length > 0 ? [`${field} { ${whole.join(', ')} }`] : []),
      ...blocks
        .filter(({ except }) => except.length > 0)
        .map(({ range, except }) => `${field} ${range} ${field} != { ${except.join(', ')} }`),
    ];
    return texts.map((text) => ({ family, text }));
  });
}

function portMatches(ports: Ports | undefined): Match[] {
  if (ports === undefined) return [ANY];
  const byProtocol = Map.groupBy(ports.ranges, ({ protocol }) => protocol);
  const numbers = [...byProtocol].map(([protocol, all]) => {
    const ranges = all.map(({ range }) => range);
    if (ranges.includes(undefined)) return { family: undefined, text: `meta l4proto ${protocol}` };
    const texts = ranges.map((range) => (range![0] === range![1] ? `${range![0]}` : `${range![0]}-${range![1]}`));
    return { family: undefined, text: `${protocol} dport { ${texts.join(', ')} }` };
  });
  const named = FAMILIES.flatMap((family) =>
    ports.named.map(({ name }) => ({
      family,
      text: `${protocolOf(family)} daddr . meta l4proto . th dport @${inFamily(name, family)}`,
    })),
  );
  return [...numbers, ...named];
}
