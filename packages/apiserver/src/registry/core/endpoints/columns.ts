import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import { joinHostPort } from '@keelson/component/go/net';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const SHOWN = 3;

export const table: TableConvertor<Endpoints> = {
  columns: [nameColumn, column('Endpoints', 'string', 'core.v1.Endpoints.subsets'), ageColumn],
  row: (obj) => ({ cells: [obj.metadata.name ?? '', addresses(obj), age(obj)] }),
};

function addresses({ subsets }: Endpoints): string {
  if (!subsets?.length) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports }) => {
    const ips = addresses.map((a) => a.ip);
    return ports?.length ? ports.flatMap((p) => ips.map((ip) => joinHostPort(ip, p.port))) : ips;
  });
  const text = all.slice(0, SHOWN).join(',');
  return all.length > SHOWN ? `${text} + ${all.length - SHOWN} more...` : text;
}
