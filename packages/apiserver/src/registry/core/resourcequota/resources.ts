/** The resources that a quota may limit by name alone. */
import { isQuotaHugePages } from '@keelson/api/resources/names';

const STANDARD = new Set([
  ...['cpu', 'memory', 'ephemeral-storage'],
  ...['requests.cpu', 'requests.memory', 'requests.storage', 'requests.ephemeral-storage'],
  ...['limits.cpu', 'limits.memory', 'limits.ephemeral-storage'],
  ...['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'persistentvolumeclaims'],
  ...['configmaps', 'services.nodeports', 'services.loadbalancers'],
]);

export function isStandardQuotaResource(name: string): boolean {
  return STANDARD.has(name) || isQuotaHugePages(name);
}
