import { Path } from '@keelson/api/field';
import type { Job, JobSpec } from '@keelson/api/generated/types/batch/v1';
import { structType } from '@keelson/api/schema';
import { dropDisabledTemplateFields } from '../../core/pod/disabledfields.ts';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import { warningsForTemplate } from '../../core/pod/warnings.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import { warningsForPodNames } from '../../podnames.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { defaults } from './defaults.ts';
import { jobOptions } from './options.ts';
import { generateSelector } from './selector.ts';
import { validateStatus } from './statusvalidation.ts';
import { validateUpdate } from './updatevalidation.ts';
import { validateJob } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.batch.v1.JobSpec');
const SPEC = Path.of('spec');

const CHILDREN_STAY =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';

export function makeStrategy(policy: PodPolicy): Strategy<Job> {
  return {
    defaultGarbageCollectionPolicy: 'OrphanDependents',
    updateChecks: ['kind'],
    defaults,
    prepareForCreate(_ctx, obj) {
      if (!obj.spec.manualSelector) generateSelector(obj);
      obj.status = {};
      startGeneration(obj);
      dropDisabledTemplateFields(policy, obj.spec.template);
    },
    validate: (_ctx, obj) => validateJob(obj, jobOptions(policy)),
    warningsOnCreate: (_ctx, { metadata, spec }) => [
      ...warningsForPodNames(metadata.name ?? ''),
      ...warningsForJobSpec(spec, SPEC),
    ],
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledTemplateFields(policy, obj.spec.template, old.spec.template);
      bumpGeneration(obj, old, 'spec', SPEC_TYPE);
    },
    // The labels that the template got are there when the stored job is read, and defaults run again.
    canonicalize: defaults,
    validateUpdate: (_ctx, obj, old) => validateUpdate(obj, old, jobOptions(policy, old)),
    warningsOnUpdate: (_ctx, { metadata, spec }, old) =>
      metadata.generation === old.metadata.generation ? [] : warningsForJobSpec(spec, SPEC),
    warningsOnDelete: ({ propagationPolicy, orphanDependents }) =>
      propagationPolicy === undefined && orphanDependents === undefined ? [CHILDREN_STAY] : [],
    selectableFields: ({ status }) => ({ 'status.successful': String(status.succeeded ?? 0) }),
    resetFields: { 'batch/v1': { 'f:status': {} } },
  };
}

export const status: ViewSubresource<Job> = {
  type: 'view',
  strategy: {
    updateChecks: ['metadata', 'kind'],
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj, old) => validateStatus(obj, old),
    warningsOnUpdate: () => [],
    resetFields: { 'batch/v1': { 'f:spec': {} } },
  },
};

/** Above both the list of indexes may become too long for the status. */
const MANY_COMPLETIONS = 100_000;
const MANY_AT_ONCE = 10_000;

/** What is unwise in a job, or in what a cron job makes. */
export function warningsForJobSpec(spec: JobSpec, path: Path): string[] {
  const { completionMode, completions = 0, parallelism = 0, template } = spec;
  const untrackable =
    completionMode === 'Indexed' && completions > MANY_COMPLETIONS && parallelism > MANY_AT_ONCE
      ? [
          `${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
        ]
      : [];
  return [...untrackable, ...warningsForTemplate(template, path.child('template'))];
}
