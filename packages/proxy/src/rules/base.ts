/** The part of a table that belongs to no service: where packets come in, and what they are looked up in. */
import type { Family } from '../addresses.ts';
import type { Chain, Declaration, Element, Rules } from './rules.ts';

/** What the rules of all services depend on. */
export interface Setting {
  readonly family: Family;
  /** The mark of packets that are to be masqueraded, as a mask of one bit: `0x4000`. */
  readonly mark: string;
  readonly masqueradeAll: boolean;
  /** Which packets come from pods of this node; undefined: nothing is known of it. */
  readonly fromPods: { readonly matches: string; readonly matchesNot: string } | undefined;
  /** Addresses of this node at which its ports are open; undefined: all of them. */
  readonly nodePortIps: readonly string[] | undefined;
  /** The ranges that addresses of services are taken from. */
  readonly serviceRanges: readonly string[];
}

/** `ip` or `ip6`, as in `ip daddr`, and as the family of a table. */
export const protocolOf = (family: Family): 'ip' | 'ip6' => (family === 'IPv4' ? 'ip' : 'ip6');
export const addressType = (family: Family): string => (family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr');

export const markForMasquerade = (mark: string): string => `mark set mark or ${mark}`;

export function baseRules(setting: Setting): Rules {
  const { family, mark, masqueradeAll, fromPods, nodePortIps, serviceRanges } = setting;
  const ip = protocolOf(family);
  const address = addressType(family);
  const destination = `${ip} daddr . meta l4proto . th dport vmap`;
  const port = 'meta l4proto . th dport vmap';
  const notLoopback = family === 'IPv4' ? 'ip daddr != 127.0.0.0/8' : 'ip6 daddr != ::1';
  const outside = masqueradeAll ? '' : fromPods?.matchesNot;
  const base = (hook: string, ...rules: string[]): Chain => ({ hook, rules });
  const called = (...rules: (string | false)[]): Chain => ({ hook: '', rules: rules.filter((rule) => rule !== false) });
  const chains: Record<string, Chain> = {
    // Before addresses are replaced: who may speak to a load balancer's.
    'filter-prerouting-pre-dnat': base('type filter hook prerouting priority -110', 'ct state new jump firewall-check'),
    'filter-output-pre-dnat': base('type filter hook output priority -110', 'ct state new jump firewall-check'),
    'filter-input': base(
      'type filter hook input priority 0',
      'ct state new jump nodeport-endpoints-check',
      'ct state new jump service-endpoints-check',
    ),
    'filter-forward': base(
      'type filter hook forward priority 0',
      'ct state new jump service-endpoints-check',
      'ct state new jump cluster-ips-check',
    ),
    'filter-output': base(
      'type filter hook output priority 0',
      'ct state new jump service-endpoints-check',
      'ct state new jump cluster-ips-check',
    ),
    'nat-prerouting': base('type nat hook prerouting priority -100', 'jump services'),
    'nat-output': base('type nat hook output priority -100', 'jump services'),
    'nat-postrouting': base('type nat hook postrouting priority 100', 'jump masquerading'),
    'firewall-check': called(`${destination} @firewall-ips`),
    services: called(
      outside !== undefined && join(`${ip} daddr @cluster-ips`, outside, markForMasquerade(mark)),
      `${destination} @service-ips`,
      nodePortIps === undefined
        ? `fib daddr type local ${notLoopback} ${port} @service-nodeports`
        : `${ip} daddr @nodeport-ips ${port} @service-nodeports`,
    ),
    masquerading: called(
      `mark and ${mark} != 0 mark set mark xor ${mark} masquerade fully-random`,
      `ct status dnat ${ip} saddr . ${ip} daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random`,
    ),
    'service-endpoints-check': called(`${destination} @no-endpoint-services`),
    'nodeport-endpoints-check': called(
      `${nodePortIps === undefined ? notLoopback : `${ip} daddr @nodeport-ips`} ${port} @no-endpoint-nodeports`,
    ),
    'reject-chain': called('reject'),
    'cluster-ips-check': called(
      `${ip} daddr @cluster-ips reject`,
      serviceRanges.length > 0 && `${ip} daddr { ${serviceRanges.join(', ')} } drop`,
    ),
  };
  const set = (type: string): Declaration => ({ kind: 'set', body: `type ${type} ;` });
  const map = (type: string): Declaration => ({ kind: 'map', body: `type ${type} : verdict ;` });
  const sets: Record<string, Declaration> = {
    'cluster-ips': set(address),
    'hairpin-connections': set(`${address} . ${address} . inet_proto . inet_service`),
    ...(nodePortIps === undefined ? {} : { 'nodeport-ips': set(address) }),
    'firewall-ips': map(`${address} . inet_proto . inet_service`),
    'service-ips': map(`${address} . inet_proto . inet_service`),
    'service-nodeports': map('inet_proto . inet_service'),
    'no-endpoint-services': map(`${address} . inet_proto . inet_service`),
    'no-endpoint-nodeports': map('inet_proto . inet_service'),
  };
  const elements = (nodePortIps ?? []).map((key): Element => ({ of: 'nodeport-ips', key, verdict: '' }));
  return { chains: new Map(Object.entries(chains)), sets: new Map(Object.entries(sets)), elements };
}

const join = (...parts: readonly string[]) => parts.filter((part) => part !== '').join(' ');
