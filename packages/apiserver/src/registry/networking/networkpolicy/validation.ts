/** Compare pkg/apis/networking/validation: ValidateNetworkPolicy. */
import { type ErrorList, forbidden, invalid, notSupported, Path, required } from '@keelson/api/field';
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '@keelson/api/generated/types/networking/v1';
import { cidrContains, networkOf, parseCIDRSloppy } from '@keelson/api/ip';
import { isValidPortName, isValidPortNum } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateLegacyCIDR, warningsForCIDR } from '../../validation/ip.ts';
import { validateLabelSelector } from '../../validation/labelselector.ts';

const SPEC = Path.of('spec');
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];
const TYPES = ['Ingress', 'Egress'];

/** What an update may leave as it found it. */
interface Leniency {
  readonly isEnabled: IsEnabled;
  readonly labelValues: boolean;
  readonly cidrs: readonly string[];
}

interface Rule {
  readonly ports: readonly NetworkPolicyPort[];
  readonly peers: readonly NetworkPolicyPeer[];
  readonly path: Path;
  readonly peersField: 'from' | 'to';
}

function rulesOf({ spec }: NetworkPolicy): Rule[] {
  return [
    ...(spec.ingress ?? []).map(
      ({ ports, from }, i): Rule => ({
        ports: ports ?? [],
        peers: from ?? [],
        path: SPEC.child('ingress').index(i),
        peersField: 'from',
      }),
    ),
    ...(spec.egress ?? []).map(
      ({ ports, to }, i): Rule => ({
        ports: ports ?? [],
        peers: to ?? [],
        path: SPEC.child('egress').index(i),
        peersField: 'to',
      }),
    ),
  ];
}

export function validateNetworkPolicy(policy: NetworkPolicy, isEnabled: IsEnabled): ErrorList {
  return validateSpec(policy, { isEnabled, labelValues: false, cidrs: [] });
}

export function validateNetworkPolicyUpdate(
  policy: NetworkPolicy,
  old: NetworkPolicy,
  isEnabled: IsEnabled,
): ErrorList {
  const blocks = rulesOf(old).flatMap((rule) => rule.peers.flatMap((peer) => peer.ipBlock ?? []));
  return validateSpec(policy, {
    isEnabled,
    labelValues: validateLabelSelector(old.spec.podSelector, {}, Path.root).length > 0,
    cidrs: blocks.flatMap((block) => [block.cidr, ...(block.except ?? [])]),
  });
}

function validateSpec(policy: NetworkPolicy, lenient: Leniency): ErrorList {
  const { podSelector, policyTypes = [] } = policy.spec;
  const options = { allowInvalidLabelValueInSelector: lenient.labelValues };
  const errors = validateLabelSelector(podSelector, options, SPEC.child('podSelector'));
  for (const { ports, peers, path, peersField } of rulesOf(policy)) {
    for (const [i, port] of ports.entries()) errors.push(...validatePort(port, path.child('ports').index(i)));
    for (const [i, peer] of peers.entries())
      errors.push(...validatePeer(peer, lenient, path.child(peersField).index(i)));
  }
  const typesPath = SPEC.child('policyTypes');
  if (policyTypes.length > TYPES.length)
    return [...errors, invalid(typesPath, policyTypes, 'may not specify more than two policyTypes')];
  for (const [i, type] of policyTypes.entries())
    if (!TYPES.includes(type)) errors.push(notSupported(typesPath.index(i), type, TYPES));
  return errors;
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: Path): ErrorList {
  const errors: ErrorList = [];
  const portPath = path.child('port');
  const endPath = path.child('endPort');
  if (protocol !== undefined && !PROTOCOLS.includes(protocol))
    errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  if (port === undefined) {
    if (endPort !== undefined)
      errors.push(invalid(endPath, endPort, 'may not be specified when `port` is not specified'));
  } else if (typeof port === 'string') {
    if (endPort !== undefined)
      errors.push(invalid(endPath, endPort, 'may not be specified when `port` is non-numeric'));
    errors.push(...invalidFor(portPath, port, isValidPortName(port)));
  } else {
    errors.push(...invalidFor(portPath, port, isValidPortNum(port)));
    if (endPort !== undefined) {
      if (endPort < port) errors.push(invalid(endPath, port, 'must be greater than or equal to `port`'));
      errors.push(...invalidFor(endPath, endPort, isValidPortNum(endPort)));
    }
  }
  return errors;
}

function validatePeer(peer: NetworkPolicyPeer, lenient: Leniency, path: Path): ErrorList {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const options = { allowInvalidLabelValueInSelector: lenient.labelValues };
  const errors = [
    ...validateLabelSelector(podSelector, options, path.child('podSelector')),
    ...validateLabelSelector(namespaceSelector, options, path.child('namespaceSelector')),
    ...(ipBlock ? validateIPBlock(ipBlock, lenient, path.child('ipBlock')) : []),
  ];
  const selectors = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selectors && !ipBlock) errors.push(required(path, 'must specify a peer'));
  if (selectors && ipBlock) errors.push(forbidden(path, 'may not specify both ipBlock and another peer'));
  return errors;
}

function validateIPBlock({ cidr, except }: IPBlock, { isEnabled, cidrs }: Leniency, path: Path): ErrorList {
  if (!cidr) return [required(path.child('cidr'))];
  const errors = validateLegacyCIDR(path.child('cidr'), cidr, isEnabled, cidrs);
  const block = parseCIDRSloppy(cidr);
  if (!block) return errors;
  for (const [i, text] of (except ?? []).entries()) {
    const at = path.child('except').index(i);
    errors.push(...validateLegacyCIDR(at, text, isEnabled, cidrs));
    const part = parseCIDRSloppy(text);
    if (part && (!cidrContains(block, networkOf(part)) || writtenBits(cidr) >= writtenBits(text)))
      errors.push(invalid(at, text, 'must be a strict subset of `cidr`'));
  }
  return errors;
}

/** Of 128 where IPv4 is written as IPv6, as the size of Go's mask is. */
const writtenBits = (cidr: string) => Number(cidr.slice(cidr.indexOf('/') + 1));

export function warnings(policy: NetworkPolicy): string[] {
  return rulesOf(policy).flatMap(({ peers, path, peersField }) =>
    peers.flatMap(({ ipBlock }, i) => {
      if (!ipBlock) return [];
      const at = path.child(peersField).index(i).child('ipBlock');
      return [
        ...warningsForCIDR(at.child('cidr'), ipBlock.cidr),
        ...(ipBlock.except ?? []).flatMap((text, j) => warningsForCIDR(at.child('except').index(j), text)),
      ];
    }),
  );
}
