import { Path } from '@keelson/api/field';
import type { CronJob } from '@keelson/api/generated/types/batch/v1';
import { structType } from '@keelson/api/schema';
import { dropDisabledTemplateFields } from '../../core/pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../../core/pod/validation/options.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import { warningsForPodNames } from '../../podnames.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { warningsForJobSpec } from '../job/strategy.ts';
import { defaults } from './defaults.ts';
import { validateCreate, validateSpec } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.batch.v1.CronJobSpec');
const JOB_SPEC = Path.of('spec', 'jobTemplate', 'spec');
/** The path is upstream's. */
const ZONE_IN_SCHEDULE =
  'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details';

export function makeStrategy(policy: PodPolicy): Strategy<CronJob> {
  return {
    defaults,
    prepareForCreate(_ctx, obj) {
      obj.status = {};
      startGeneration(obj);
      dropDisabledTemplateFields(policy, obj.spec.jobTemplate.spec.template);
    },
    validate: (_ctx, obj) => validateCreate(obj, templateOptions(policy)),
    warningsOnCreate: (_ctx, { metadata, spec }) => [
      ...warningsForPodNames(metadata.name ?? ''),
      ...warningsForJobSpec(spec.jobTemplate.spec, JOB_SPEC),
    ],
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledTemplateFields(policy, obj.spec.jobTemplate.spec.template, old.spec.jobTemplate.spec.template);
      bumpGeneration(obj, old, 'spec', SPEC_TYPE);
    },
    validateUpdate: (_ctx, obj, old) =>
      validateSpec(obj.spec, old.spec, templateOptions(policy, old.spec.jobTemplate.spec.template)),
    warningsOnUpdate: (_ctx, { metadata, spec }, old) => [
      ...(metadata.generation === old.metadata.generation ? [] : warningsForJobSpec(spec.jobTemplate.spec, JOB_SPEC)),
      ...(spec.schedule.includes('TZ') ? [ZONE_IN_SCHEDULE] : []),
    ],
    resetFields: { 'batch/v1': { 'f:status': {} } },
  };
}

export const status: ViewSubresource<CronJob> = {
  type: 'view',
  strategy: {
    // Upstream validates nothing here.
    metadataRules: 'none',
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: () => [],
    warningsOnUpdate: () => [],
    resetFields: { 'batch/v1': { 'f:spec': {} } },
  },
};
