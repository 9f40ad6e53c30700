/** What a pod sends to no pod leaves with the node's address, what goes into the tunnel has one of its own (nft(8)). */
import type { Family } from '@keelson/proxy/addresses';
import { familyOfRange } from '@keelson/proxy/addresses';
import { addressType, protocolOf } from '@keelson/proxy/rules/base';
import { removal as removalOf } from '@keelson/proxy/rules/table';
import type { Plan } from './plan.ts';
import { DEVICES, type Device } from './tunnel.ts';

const TABLE = 'keelson-pod-network';

/**
 * One transaction that has the table say what the plan does, whatever it said before; where there is nothing to masquerade, it goes.
 * @param tunnel packets of nodes alone come out of it, and packets alone go in that find their way back through it
 */
export function masquerading(family: Family, { ranges, pods, peers }: Plan, tunnel: Device | undefined): string {
  const here = ranges.filter((range) => familyOfRange(range) === family);
  if (here.length === 0) return removal(family);
  const ip = protocolOf(family);
  const table = `${ip} ${TABLE}`;
  const set = (name: string, elements: readonly string[], flags = ' flags interval; auto-merge;') =>
    `add set ${table} ${name} { type ${addressType(family)};${flags} elements = { ${elements.join(', ')} }; }`;
  const nodes = new Set(peers.filter((peer) => peer.family === family).map(({ address }) => address));
  return [
    removal(family).trimEnd(),
    `add table ${table}`,
    set('here', here),
    set('pods', pods[family]),
    `add chain ${table} postrouting { type nat hook postrouting priority 100; }`,
    `add rule ${table} postrouting ${ip} saddr @here ${ip} daddr != @pods masquerade`,
    ...(tunnel
      ? [
          `add rule ${table} postrouting oifname ${DEVICES[family]} ${ip} saddr != @pods masquerade`,
          set('nodes', [...nodes], ''),
          `add chain ${table} input { type filter hook input priority 0; }`,
          `add rule ${table} input udp dport ${tunnel.port} ${ip} saddr != @nodes drop`,
        ]
      : []),
    '',
  ].join('\n');
}

/** Takes the table away, if it is there. */
export function removal(family: Family): string {
  return removalOf(`${protocolOf(family)} ${TABLE}`);
}
