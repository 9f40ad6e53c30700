/** Sets of addresses in the kernel, by what pods are in them. Rules that mean the same pods share one. */
import { createHash } from 'node:crypto';
import type { LabelSelector as LabelSelectorObject } from '@keelson/api/generated/types/meta/v1';
import type { NetworkPolicyPeer } from '@keelson/api/generated/types/networking/v1';
import { EVERYTHING, type LabelSelector, NOTHING, selectorOfObject } from '@keelson/api/selectors/labels';
import { FAMILIES, type Family } from '@keelson/proxy/addresses';
import { addressType } from '@keelson/proxy/rules/base';
import type { Element, Rules } from '@keelson/proxy/rules/rules';
import type { Protocol } from '@keelson/proxy/services';
import type { Member } from './members.ts';

export interface PodSet {
  /** The same for sets with the same elements. */
  readonly name: string;
  /** The sets' declarations, one for each family. */
  readonly rules: Rules;
  /** The one namespace that its pods are of; undefined: see `covers`. */
  readonly namespace: string | undefined;
  /** Whether pods of a namespace with these labels may be in it. */
  covers(labels: Readonly<Record<string, string>>): boolean;
  /** What of a pod of such a namespace is in it. */
  elementsOf(pod: Member): Element[];
}

/** What a set of a family is called in the kernel. */
export const inFamily = (name: string, family: Family): string => `${name}-${family === 'IPv4' ? 4 : 6}`;

/** A selector that says nothing that can be understood matches nothing. */
export function selectorOf(selector: LabelSelectorObject | undefined): LabelSelector {
  try {
    return selectorOfObject(selector);
  } catch {
    return NOTHING;
  }
}

/** The pods that a peer's selectors mean. @param namespace the policy's */
export function peerSet({ podSelector, namespaceSelector }: NetworkPolicyPeer, namespace: string): PodSet {
  const from = namespaceSelector === undefined ? undefined : selectorOf(namespaceSelector);
  const pods = podSelector === undefined && from ? EVERYTHING : selectorOf(podSelector);
  const name = named('peers', `${from ? `[${canonical(from)}]` : namespace}/${canonical(pods)}`);
  return {
    name,
    rules: declared(name, (type) => `type ${type} ;`),
    namespace: from ? undefined : namespace,
    covers: (labels) => from?.matches(labels) ?? true,
    elementsOf: ({ labels, addresses }) =>
      pods.matches(labels)
        ? addresses.map(({ family, address }) => ({ of: inFamily(name, family), key: address, verdict: '' }))
        : [],
  };
}

/** Where pods have a port of a name. @param nodeName those of this node; undefined: all pods */
export function portSet(port: string, protocol: Protocol, nodeName: string | undefined): PodSet {
  const name = named('ports', `${protocol}/${port}${nodeName === undefined ? '' : '/here'}`);
  return {
    name,
    rules: declared(name, (type) => `type ${type} . inet_proto . inet_service ;`),
    namespace: undefined,
    covers: () => true,
    elementsOf: (pod) => {
      if (nodeName !== undefined && pod.nodeName !== nodeName) return [];
      const ports = pod.ports.filter((each) => each.name === port && each.protocol === protocol);
      return ports.flatMap((each) =>
        pod.addresses.map(({ family, address }) => ({
          of: inFamily(name, family),
          key: `${address} . ${protocol} . ${each.port}`,
          verdict: '',
        })),
      );
    },
  };
}

const declared = (name: string, body: (type: string) => string): Rules => ({
  chains: new Map(),
  sets: new Map(FAMILIES.map((family) => [inFamily(name, family), { kind: 'set', body: body(addressType(family)) }])),
  elements: [],
});

/** nft's limit of names, less the family. */
const LONGEST = 250;
/** Long enough that nobody finds another selector with the same, whose pods would be let in. */
const HASH_LENGTH = 32;

/** To be read by people, too, as far as nft takes it. */
function named(kind: string, meaning: string): string {
  const hash = createHash('sha256').update(meaning).digest('hex').slice(0, HASH_LENGTH);
  return `${kind}-${hash}-${meaning.replaceAll(/[^\w/.-]+/g, '_')}`.slice(0, LONGEST);
}

/** The same for selectors that differ in the order, or the way, in which they say the same. */
function canonical(selector: LabelSelector): string {
  if (selector.requirements.length === 0) return selector.empty ? '' : '!';
  const said = selector.requirements.map(({ key, operator, values }) =>
    JSON.stringify([key, operator === '=' ? 'in' : operator, ...new Set(values)]),
  );
  return [...new Set(said)].sort().join();
}
