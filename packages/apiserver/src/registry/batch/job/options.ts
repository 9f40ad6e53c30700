import type { Job } from '@keelson/api/generated/types/batch/v1';
import { type PodPolicy, type PodValidationOptions, templateOptions } from '../../core/pod/validation/options.ts';
import { hasInvalidLabelValue } from '../../validation/labelselector.ts';
import { hasCondition } from './conditions.ts';
import { CONTROLLER_UID, JOB_NAME } from './selector.ts';

export interface JobValidationOptions extends PodValidationOptions {
  /** The template's node affinity, node selector, tolerations and the like. */
  readonly allowMutableScheduling: boolean;
  /** Those of the template's containers. */
  readonly allowMutableResources: boolean;
  readonly requirePrefixedLabels: boolean;
}

export function jobOptions(policy: PodPolicy, old?: Job): JobValidationOptions {
  const options = templateOptions(policy, old?.spec.template);
  if (!old)
    return { ...options, allowMutableScheduling: false, allowMutableResources: false, requirePrefixedLabels: true };
  const { isEnabled } = policy;
  const labels = old.spec.template.metadata.labels ?? {};
  return {
    ...options,
    allowInvalidLabelValueInSelector:
      options.allowInvalidLabelValueInSelector || hasInvalidLabelValue(old.spec.selector),
    allowMutableScheduling: isEnabled('MutableSchedulingDirectivesForSuspendedJobs')
      ? isAtRest(old)
      : old.spec.suspend === true && old.status.startTime === undefined,
    allowMutableResources: isEnabled('MutablePodResourcesForSuspendedJobs') && isAtRest(old),
    requirePrefixedLabels: JOB_NAME in labels && CONTROLLER_UID in labels,
  };
}

/** Suspended, and no pods left. */
function isAtRest({ spec, status }: Job): boolean {
  const notStarted = status.startTime === undefined;
  return spec.suspend === true && (notStarted || hasCondition(status, 'Suspended')) && !status.active;
}
