/** What a pod sends to no pod leaves with the node's address (nft(8)). */
import type { Family } from '@keelson/proxy/addresses';
import { familyOfRange } from '@keelson/proxy/addresses';
import { addressType, protocolOf } from '@keelson/proxy/rules/base';
import { removal as removalOf } from '@keelson/proxy/rules/table';
import type { Plan } from './plan.ts';

const TABLE = 'keelson-pod-network';

/** One transaction that has the table say what the plan does, whatever it said before; where there is nothing to masquerade, it goes. */
export function masquerading(family: Family, { ranges, pods }: Plan): string {
  const here = ranges.filter((range) => familyOfRange(range) === family);
  if (here.length === 0) return removal(family);
  const ip = protocolOf(family);
  const table = `${ip} ${TABLE}`;
  const set = (name: string, elements: readonly string[]) =>
    `add set ${table} ${name} { type ${addressType(family)}; flags interval; auto-merge; elements = { ${elements.join(', ')} }; }`;
  return [
    removal(family).trimEnd(),
    `add table ${table}`,
    set('here', here),
    set('pods', pods[family]),
    `add chain ${table} postrouting { type nat hook postrouting priority 100; }`,
    `add rule ${table} postrouting ${ip} saddr @here ${ip} daddr != @pods masquerade`,
    '',
  ].join('\n');
}

/** Takes the table away, if it is there. */
export function removal(family: Family): string {
  return removalOf(`${protocolOf(family)} ${TABLE}`);
}
