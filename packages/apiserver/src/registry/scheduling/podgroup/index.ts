import type { PodGroup } from '@keelson/api/generated/types/scheduling/v1alpha2';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import { statusView } from '../../statusview.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { dropGatedFields } from '../policy.ts';
import { validatePodGroup, validatePodGroupStatus, validatePodGroupUpdate } from './validation.ts';

const VERSION = 'scheduling.k8s.io/v1alpha2';

const table: TableConvertor<PodGroup> = {
  columns: [
    nameColumn,
    column('Policy', 'string', 'scheduling.v1alpha2.PodGroupSpec.schedulingPolicy'),
    column('Workload', 'string', 'Name of the referenced Workload object'),
    column('Status', 'string', 'Status of the PodGroup'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.schedulingPolicy.gang ? 'Gang' : 'Basic',
      obj.spec.podGroupTemplateRef?.workload?.workloadName ?? '<none>',
      state(obj),
      age(obj),
    ],
  }),
};

function state({ status }: PodGroup): string {
  const find = (type: string) => status.conditions?.findLast((c) => c.type === type);
  const [scheduled, disrupted] = [find('PodGroupScheduled'), find('DisruptionTarget')];
  if (disrupted) return disrupted.reason;
  if (!scheduled) return 'Pending';
  return scheduled.status === 'True' ? 'Scheduled' : 'Unschedulable';
}

export const registration: KindRegistration<PodGroup> = {
  strategy: {
    defaults: setDefaults,
    prepareForCreate(_ctx, obj) {
      obj.status = {};
      dropGatedFields(obj.spec, undefined);
    },
    validate: (_ctx, obj) => validatePodGroup(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropGatedFields(obj.spec, old.spec);
    },
    validateUpdate: (_ctx, obj, old) => validatePodGroupUpdate(obj, old),
    // Whoever reads what is stored without it sees the default.
    canonicalize: setDefaults,
    resetFields: { [VERSION]: { 'f:status': {} } },
  },
  table,
  subresources: {
    status: {
      ...statusView([VERSION], {
        prepareForUpdate(_ctx, obj, old) {
          if (!old.spec.resourceClaims?.length) delete obj.status.resourceClaimStatuses;
        },
        validateUpdate: (_ctx, obj) => validatePodGroupStatus(obj),
      }),
      noTable: true,
    },
  },
};

function setDefaults({ spec }: PodGroup): void {
  spec.disruptionMode ??= 'Pod';
}
