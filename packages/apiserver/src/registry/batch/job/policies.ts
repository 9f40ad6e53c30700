/** When a job ends early: on which failures, after which successes. */

import {
  duplicate,
  type ErrorList,
  invalid,
  notSupported,
  OMIT_VALUE,
  type Path,
  quote,
  required,
  tooLong,
  tooMany,
} from '@keelson/api/field';
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '@keelson/api/generated/types/batch/v1';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { qualifiedName } from '../../core/pod/validation/names.ts';
import { nonNegative } from '../../validation/fields.ts';
import { countIndexes } from './indexes.ts';

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];
const MAX_RULES = 20;
const MAX_EXIT_CODES = 255;
const MAX_CONDITIONS = 20;
const MAX_INDEXES_LENGTH = 64 * 1024;

export function validateFailurePolicy(spec: JobSpec, path: Path): ErrorList {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const at = path.child('rules');
  const errors = atMost(rules, MAX_RULES, at);
  return errors.concat(rules.flatMap((rule, i) => validateFailureRule(rule, spec, at.index(i))));
}

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, path: Path): ErrorList {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors =
    action === 'FailIndex' && spec.backoffLimitPerIndex === undefined
      ? [invalid(path.child('action'), action, 'requires the backoffLimitPerIndex to be set')]
      : oneOf(action, ACTIONS, path.child('action'));
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, spec, path.child('onExitCodes')));
  if (onPodConditions.length > 0) errors.push(...validateConditions(onPodConditions, path.child('onPodConditions')));
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(invalid(path, OMIT_VALUE, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(invalid(path, OMIT_VALUE, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

function validateConditions(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: Path): ErrorList {
  const errors = atMost(patterns, MAX_CONDITIONS, path);
  return errors.concat(
    patterns.flatMap(({ type, status }, i) => [
      ...qualifiedName(type, path.index(i).child('type')),
      ...oneOf(status, STATUSES, path.index(i).child('status')),
    ]),
  );
}

function validateExitCodes(
  { operator, containerName, values: codes }: PodFailurePolicyOnExitCodesRequirement,
  { template: { spec: pod } }: JobSpec,
  path: Path,
): ErrorList {
  const errors = oneOf(operator, OPERATORS, path.child('operator'));
  const names = [...(pod.containers ?? []), ...(pod.initContainers ?? [])].map(({ name }) => name);
  if (containerName !== undefined && !names.includes(containerName))
    errors.push(
      invalid(
        path.child('containerName'),
        containerName,
        'must be one of the container or initContainer names in the pod template',
      ),
    );
  const at = path.child('values');
  const values = codes ?? [];
  if (values.length === 0) errors.push(invalid(at, codes, 'at least one value is required'));
  errors.push(...atMost(values, MAX_EXIT_CODES, at));
  const repeats = repeatsIn(values);
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0) errors.push(invalid(at.index(i), value, 'must not be 0 for the In operator'));
    if (repeats.has(i)) errors.push(duplicate(at.index(i), value));
  }
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) errors.push(invalid(at, codes, 'must be ordered'));
  return errors;
}

export function validateSuccessPolicy(spec: JobSpec, path: Path): ErrorList {
  const rules = spec.successPolicy?.rules ?? [];
  const at = path.child('rules');
  const errors =
    rules.length === 0
      ? [required(at, 'at least one rules must be specified when the successPolicy is specified')]
      : atMost(rules, MAX_RULES, at);
  return errors.concat(rules.flatMap((rule, i) => validateSuccessRule(rule, spec.completions ?? 0, at.index(i))));
}

function validateSuccessRule(
  { succeededIndexes, succeededCount }: SuccessPolicyRule,
  completions: number,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  if (succeededCount === undefined && succeededIndexes === undefined)
    errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  let total = 0;
  if (succeededIndexes !== undefined) {
    const at = path.child('succeededIndexes');
    if (Buffer.byteLength(succeededIndexes) > MAX_INDEXES_LENGTH) errors.push(tooLong(at, MAX_INDEXES_LENGTH));
    try {
      total = countIndexes(succeededIndexes, completions);
    } catch (error) {
      errors.push(invalid(at, succeededIndexes, `error parsing succeededIndexes: ${(error as Error).message}`));
    }
  }
  if (succeededCount === undefined) return errors;
  const at = path.child('succeededCount');
  const tooHigh = (limit: number, what: string) =>
    invalid(at, succeededCount, `must be less than or equal to ${limit} (the number of ${what})`);
  errors.push(...nonNegative(succeededCount, at));
  if (succeededCount > completions) errors.push(tooHigh(completions, 'specified completions'));
  if (succeededIndexes !== undefined && succeededCount > total)
    errors.push(tooHigh(total, 'indexes in the specified succeededIndexes field'));
  return errors;
}

function atMost(list: readonly unknown[], max: number, path: Path): ErrorList {
  return list.length > max ? [tooMany(path, list.length, max)] : [];
}

function oneOf(value: string, supported: readonly string[], path: Path): ErrorList {
  if (value === '') return [required(path, `valid values: [${supported.map(quote).join(' ')}]`)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}
