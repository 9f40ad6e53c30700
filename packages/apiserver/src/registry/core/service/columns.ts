import type { Service } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, formatLabels, nameColumn, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<Service> = {
  columns: [
    nameColumn,
    column('Type', 'string', 'core.v1.ServiceSpec.type'),
    column('Cluster-IP', 'string', 'core.v1.ServiceSpec.clusterIP'),
    column('External-IP', 'string', 'core.v1.ServiceSpec.externalIPs'),
    column('Port(s)', 'string', 'core.v1.ServiceSpec.ports'),
    ageColumn,
    wideColumn('Selector', 'string', 'core.v1.ServiceSpec.selector'),
  ],
  row: (service) => ({
    cells: [
      service.metadata.name ?? '',
      service.spec.type ?? '',
      service.spec.clusterIPs?.[0] ?? '<none>',
      externalAddress(service),
      ports(service) || '<none>',
      age(service),
      formatLabels(service.spec.selector),
    ],
  }),
};

function externalAddress({ spec, status }: Service): string {
  const external = (spec.externalIPs ?? []).join(',');
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external || '<none>';
    case 'LoadBalancer':
      return [balancerAddresses(status), external].filter(Boolean).join(',') || '<pending>';
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

/** Also of Ingresses: every address once, sorted. */
export function balancerAddresses(status: {
  loadBalancer: { ingress?: { ip?: string; hostname?: string }[] };
}): string {
  const addresses = (status.loadBalancer.ingress ?? []).map((i) => i.ip || i.hostname).filter((a) => a !== undefined);
  return [...new Set(addresses.filter(Boolean))].sort().join(',');
}

function ports({ spec }: Service): string {
  return (spec.ports ?? []).map((p) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol}`).join(',');
}
