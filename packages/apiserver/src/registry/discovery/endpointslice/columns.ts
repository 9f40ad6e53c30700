import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { age, ageColumn, column, firstFew, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

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
      firstFew((obj.ports ?? []).map((p) => (p.port === undefined ? (p.name ?? '*') : String(p.port)))),
      firstFew((obj.endpoints ?? []).flatMap((e) => e.addresses ?? [])),
      age(obj),
    ],
  }),
};
