import type { Workload } from '@keelson/api/generated/types/scheduling/v1alpha2';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { dropGatedFields } from '../policy.ts';
import { validateWorkload, validateWorkloadUpdate } from './validation.ts';

export const registration: KindRegistration<Workload> = {
  strategy: {
    prepareForCreate: (_ctx, obj) => dropFields(obj),
    validate: (_ctx, obj) => validateWorkload(obj),
    prepareForUpdate: (_ctx, obj, old) => dropFields(obj, old),
    validateUpdate: (_ctx, obj, old) => validateWorkloadUpdate(obj, old),
  },
  table: {
    columns: [nameColumn, ageColumn],
    row: (obj) => ({ cells: [obj.metadata.name ?? '', age(obj)] }),
  },
};

function dropFields({ spec }: Workload, old?: Workload): void {
  for (const [i, template] of (spec.podGroupTemplates ?? []).entries()) {
    dropGatedFields(template, old?.spec.podGroupTemplates?.[i]);
    template.schedulingConstraints ??= null;
  }
}
