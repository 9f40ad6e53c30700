import type { Namespace } from '@keelson/api/generated/types/core/v1';

export function defaults(namespace: Namespace): void {
  if (namespace.metadata.name) labelWithName(namespace);
  if (!namespace.status.phase) namespace.status.phase = 'Active';
}

/** Every namespace can be selected by its name. */
export function labelWithName(namespace: Namespace): void {
  namespace.metadata.labels = {
    ...namespace.metadata.labels,
    'kubernetes.io/metadata.name': namespace.metadata.name ?? '',
  };
}
