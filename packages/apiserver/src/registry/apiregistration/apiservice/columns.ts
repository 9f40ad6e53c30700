/** Compare k8s.io/kube-aggregator/pkg/registry/apiservice/etcd. */
import type { APIService, APIServiceSpec, APIServiceStatus } from '@keelson/api/generated/types/apiregistration/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<APIService> = {
  columns: [
    nameColumn,
    column('Service', 'string', 'The reference to the service that hosts this API endpoint.'),
    column('Available', 'string', 'Whether this service is available.'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', host(obj.spec), availability(obj.status), age(obj)],
  }),
};

function host({ service }: APIServiceSpec): string {
  return service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local';
}

function availability({ conditions }: APIServiceStatus): string {
  const available = conditions?.find(({ type }) => type === 'Available');
  if (!available) return 'Unknown';
  return available.status === 'True' || !available.reason
    ? available.status
    : `${available.status} (${available.reason})`;
}
