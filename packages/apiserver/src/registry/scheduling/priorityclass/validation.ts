/** Compare pkg/apis/scheduling/validation: ValidatePriorityClass. */
import { type ErrorList, forbidden, notSupported, Path, required } from '@keelson/api/field';
import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import { immutableName } from '../../validation/fields.ts';

const SYSTEM_PREFIX = 'system-';
const HIGHEST_USER_PRIORITY = 1_000_000_000;
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ['system-node-critical', 2 * HIGHEST_USER_PRIORITY + 1000],
  ['system-cluster-critical', 2 * HIGHEST_USER_PRIORITY],
]);
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never'];

export function isSystemPriorityClass(name: string): boolean {
  return SYSTEM_CLASSES.has(name);
}

export function validatePriorityClass(pc: PriorityClass): ErrorList {
  const errors: ErrorList = [];
  if (pc.metadata.name?.startsWith(SYSTEM_PREFIX)) {
    const problem = systemClassProblem(pc);
    if (problem !== undefined)
      errors.push(
        forbidden(
          Path.of('metadata', 'name'),
          `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${problem}`,
        ),
      );
  } else if (pc.value > HIGHEST_USER_PRIORITY) {
    errors.push(
      forbidden(Path.of('value'), `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`),
    );
  }
  if (pc.preemptionPolicy !== undefined) errors.push(...validatePreemptionPolicy(pc.preemptionPolicy));
  return errors;
}

function systemClassProblem({ metadata, value, globalDefault = false }: PriorityClass): string | undefined {
  const name = metadata.name ?? '';
  const known = SYSTEM_CLASSES.get(name);
  if (known === undefined) return `${name} is not a known system priority class`;
  if (known !== value) return `value of ${name} PriorityClass must be ${known}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function validatePreemptionPolicy(policy: string): ErrorList {
  const path = Path.of('preemptionPolicy');
  if (policy === '') return [required(path)];
  return PREEMPTION_POLICIES.includes(policy) ? [] : [notSupported(path, policy, PREEMPTION_POLICIES)];
}

export function validatePriorityClassUpdate(pc: PriorityClass, old: PriorityClass): ErrorList {
  return [
    ...(pc.value === old.value ? [] : [forbidden(Path.of('value'), 'may not be changed in an update.')]),
    ...immutableName(pc.preemptionPolicy, old.preemptionPolicy, Path.of('preemptionPolicy')),
  ];
}
