import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<PodDisruptionBudget> = {
  columns: [
    nameColumn,
    column('Min Available', 'string', 'The minimum number of pods that must be available.'),
    column('Max Unavailable', 'string', 'The maximum number of pods that may be unavailable.'),
    column('Allowed Disruptions', 'integer', 'Calculated number of pods that may be disrupted at this time.'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      String(obj.spec.minAvailable ?? 'N/A'),
      String(obj.spec.maxUnavailable ?? 'N/A'),
      obj.status.disruptionsAllowed,
      age(obj),
    ],
  }),
};
