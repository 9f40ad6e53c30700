import { type ErrorList, invalid, notSupported, Path, required } from '@keelson/api/field';
import type {
  DaemonSet,
  DaemonSetStatus,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from '@keelson/api/generated/types/apps/v1';
import type { PodValidationOptions } from '../../core/pod/validation/options.ts';
import { validatePodTemplateSpec } from '../../core/pod/validation/spec.ts';
import {
  countOrPercent,
  validateAtMost100Percent,
  validateCountOrPercent,
  validateCounts,
  validateNotDecremented,
} from '../../validation/counts.ts';
import { immutableField, nonNegative } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { shownSelector, validateLabelSelector } from '../../validation/labelselector.ts';
import { readSelector, validateSelectorMatches } from '../../validation/templateselector.ts';
import { isEmptySelector, validateLongRunning } from '../podtemplate.ts';
import { templateGeneration } from './templategeneration.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');

export function validateSpec(obj: DaemonSet, options: PodValidationOptions): ErrorList {
  const { selector, template, minReadySeconds = 0, updateStrategy, revisionHistoryLimit = 0 } = obj.spec;
  const at = SPEC.child('template');
  const read = readSelector(selector);
  const generation = Number(templateGeneration(obj));
  return [
    ...validateLabelSelector(selector, options, SPEC.child('selector')),
    ...(read ? validateSelectorMatches(read, template, at) : []),
    ...(selector && isEmptySelector(selector)
      ? [invalid(SPEC.child('selector'), shownSelector(selector), 'empty selector is invalid for daemonset')]
      : []),
    ...validatePodTemplateSpec(template, options, at),
    ...validateLongRunning(template, 'DaemonSet', at),
    ...nonNegative(minReadySeconds, SPEC.child('minReadySeconds')),
    ...nonNegative(generation, SPEC.child('templateGeneration')),
    ...validateUpdateStrategy(updateStrategy, SPEC.child('updateStrategy')),
    ...nonNegative(revisionHistoryLimit, SPEC.child('revisionHistoryLimit')),
  ];
}

function validateUpdateStrategy(strategy: DaemonSetUpdateStrategy, path: Path): ErrorList {
  const { type = '', rollingUpdate } = strategy;
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate') {
    const shown = internalValue('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', strategy);
    return [notSupported(path, shown, ['RollingUpdate', 'OnDelete'])];
  }
  const at = path.child('rollingUpdate');
  return rollingUpdate ? validateRollingUpdate(rollingUpdate, at) : [required(at)];
}

/** One of the two, not both. */
function validateRollingUpdate(update: RollingUpdateDaemonSet, path: Path): ErrorList {
  const { maxUnavailable = 0, maxSurge = 0 } = update;
  const [unavailableAt, surgeAt] = [path.child('maxUnavailable'), path.child('maxSurge')];
  const errors = [
    ...validateCountOrPercent(maxUnavailable, unavailableAt),
    ...validateCountOrPercent(maxSurge, surgeAt),
    ...validateAtMost100Percent(maxUnavailable, unavailableAt),
    ...validateAtMost100Percent(maxSurge, surgeAt),
  ];
  const [unavailable, surge] = [countOrPercent(maxUnavailable) !== 0, countOrPercent(maxSurge) !== 0];
  if (unavailable && surge) errors.push(invalid(surgeAt, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  if (!unavailable && !surge) errors.push(required(unavailableAt, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

export function validateUpdate(obj: DaemonSet, old: DaemonSet, options: PodValidationOptions): ErrorList {
  return [
    ...immutableField(obj.spec.selector, old.spec.selector, SPEC.child('selector'), shownSelector(obj.spec.selector)),
    ...validateSpec(obj, options),
  ];
}

export function validateStatus(status: DaemonSetStatus, old: DaemonSetStatus): ErrorList {
  const { currentNumberScheduled, numberMisscheduled, desiredNumberScheduled, numberReady } = status;
  const { observedGeneration, updatedNumberScheduled, numberAvailable, numberUnavailable, collisionCount } = status;
  return [
    ...validateCounts(
      {
        currentNumberScheduled,
        numberMisscheduled,
        desiredNumberScheduled,
        numberReady,
        observedGeneration,
        updatedNumberScheduled,
        numberAvailable,
        numberUnavailable,
        collisionCount,
      },
      STATUS,
    ),
    ...validateNotDecremented(collisionCount, old.collisionCount, STATUS.child('collisionCount')),
  ];
}
