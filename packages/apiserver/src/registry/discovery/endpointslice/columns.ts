import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const SHOWN = 3;

export const table: TableConvertor<EndpointSlice> = {
  columns: [
    nameColumn,
    column('AddressType', 'string', 'discovery.v1.EndpointSlice.addressType'),
    column('Ports', 'string', 'discovery.v1.EndpointSlice.ports'),
    column('Endpoints', 'string', 'discovery.v1.EndpointSlice.endpoints'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.addressType,
      first((obj.ports ?? []).map((p) => (p.port === undefined ? (p.name ?? '*') : String(p.port)))),
      first((obj.endpoints ?? []).flatMap((e) => e.addresses ?? [])),
      age(obj),
    ],
  }),
};

function first(items: readonly string[]): string {
  const text = items.slice(0, SHOWN).join(',');
  return items.length > SHOWN ? `${text} + ${items.length - SHOWN} more...` : text || '<unset>';
}
