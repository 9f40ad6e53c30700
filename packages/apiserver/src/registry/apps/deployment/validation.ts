import { type ErrorList, forbidden, invalid, named, notSupported, Path, required } from '@keelson/api/field';
import type {
  Deployment,
  DeploymentStatus,
  DeploymentStrategy,
  RollingUpdateDeployment,
} from '@keelson/api/generated/types/apps/v1';
import type { PodValidationOptions } from '../../core/pod/validation/options.ts';
import {
  countOrPercent,
  validateAtMost100Percent,
  validateCountOrPercent,
  validateCounts,
  validateNotDecremented,
  validateParts,
} from '../../validation/counts.ts';
import { immutableField, nonNegative } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { shownSelector } from '../../validation/labelselector.ts';
import { validateSelectorAndTemplate } from '../podtemplate.ts';
import { ROLLBACK_TO } from './defaults.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const STRATEGIES = ['Recreate', 'RollingUpdate'];

export function validateSpec({ metadata, spec }: Deployment, options: PodValidationOptions): ErrorList {
  const { minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec;
  const deadlineAt = SPEC.child('progressDeadlineSeconds');
  const errors = [
    ...nonNegative(spec.replicas ?? 0, SPEC.child('replicas')),
    ...validateSelectorAndTemplate(spec, options, SPEC),
    ...validateStrategy(spec.strategy, SPEC.child('strategy')),
    ...nonNegative(minReadySeconds, SPEC.child('minReadySeconds')),
    ...nonNegative(spec.revisionHistoryLimit ?? 0, SPEC.child('revisionHistoryLimit')),
    ...nonNegative(Number(metadata.annotations?.[ROLLBACK_TO] ?? 0), SPEC.child('rollback', 'version')),
  ];
  if (deadline === undefined) return errors;
  errors.push(...nonNegative(deadline, deadlineAt));
  if (deadline <= minReadySeconds) errors.push(invalid(deadlineAt, deadline, 'must be greater than minReadySeconds'));
  return errors;
}

function validateStrategy(strategy: DeploymentStrategy, path: Path): ErrorList {
  const { type = '', rollingUpdate } = strategy;
  const at = path.child('rollingUpdate');
  if (type === 'Recreate')
    return rollingUpdate ? [forbidden(at, "may not be specified when strategy `type` is 'Recreate'")] : [];
  if (type !== 'RollingUpdate')
    return [notSupported(path, internalValue('io.k8s.api.apps.v1.DeploymentStrategy', strategy), STRATEGIES)];
  return rollingUpdate
    ? validateRollingUpdate(rollingUpdate, at)
    : [required(at, 'this should be defaulted and never be nil')];
}

function validateRollingUpdate(update: RollingUpdateDeployment, path: Path): ErrorList {
  const { maxUnavailable = 0, maxSurge = 0 } = update;
  const at = path.child('maxUnavailable');
  const errors = [
    ...validateCountOrPercent(maxUnavailable, at),
    ...validateCountOrPercent(maxSurge, path.child('maxSurge')),
  ];
  if (countOrPercent(maxUnavailable) === 0 && countOrPercent(maxSurge) === 0)
    errors.push(
      invalid(
        at,
        typeof maxUnavailable === 'string' ? named(maxUnavailable) : maxUnavailable,
        'may not be 0 when `maxSurge` is 0',
      ),
    );
  return [...errors, ...validateAtMost100Percent(maxUnavailable, at)];
}

export function validateUpdate(obj: Deployment, old: Deployment, options: PodValidationOptions): ErrorList {
  return [
    ...validateSpec(obj, options),
    ...immutableField(obj.spec.selector, old.spec.selector, SPEC.child('selector'), shownSelector(obj.spec.selector)),
  ];
}

export function validateStatus(status: DeploymentStatus, old: DeploymentStatus): ErrorList {
  const { observedGeneration, replicas, updatedReplicas, readyReplicas, availableReplicas } = status;
  const { unavailableReplicas, terminatingReplicas, collisionCount } = status;
  return [
    ...validateCounts(
      {
        observedGeneration,
        replicas,
        updatedReplicas,
        readyReplicas,
        availableReplicas,
        unavailableReplicas,
        terminatingReplicas,
        collisionCount,
      },
      STATUS,
    ),
    ...validateParts(
      { updatedReplicas, readyReplicas, availableReplicas },
      replicas ?? 0,
      'cannot be greater than status.replicas',
      STATUS,
    ),
    ...validateParts({ availableReplicas }, readyReplicas ?? 0, 'cannot be greater than readyReplicas', STATUS),
    ...validateNotDecremented(collisionCount, old.collisionCount, STATUS.child('collisionCount')),
  ];
}
