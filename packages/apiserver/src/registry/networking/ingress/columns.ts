import type { Ingress } from '@keelson/api/generated/types/networking/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import { balancerAddresses } from '../../core/service/columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const SHOWN = 3;

export const table: TableConvertor<Ingress> = {
  columns: [
    nameColumn,
    column('Class', 'string', 'The name of the IngressClass resource that should be used for additional configuration'),
    column('Hosts', 'string', 'Hosts that incoming requests are matched against before the ingress rule'),
    column('Address', 'string', 'Address is a list containing ingress points for the load-balancer'),
    column('Ports', 'string', 'Ports of TLS configurations that open'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.ingressClassName ?? '<none>',
      hosts(obj),
      balancerAddresses(obj.status),
      obj.spec.tls?.length ? '80, 443' : '80',
      age(obj),
    ],
  }),
};

/** Rules without a host are not shown, but they count among the rest. */
function hosts({ spec }: Ingress): string {
  const shown: string[] = [];
  let more = false;
  for (const { host } of spec.rules ?? []) {
    more ||= shown.length === SHOWN;
    if (!more && host) shown.push(host);
  }
  if (shown.length === 0) return '*';
  return more ? `${shown.join(',')} + ${spec.rules!.length - SHOWN} more...` : shown.join(',');
}
