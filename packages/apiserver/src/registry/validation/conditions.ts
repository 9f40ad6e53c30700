/** `status.conditions` of meta/v1's type (k8s.io/apimachinery/pkg/apis/meta/v1/validation ValidateConditions). */
import { duplicate, type ErrorList, invalid, notSupported, type Path, required, tooLong } from '@keelson/api/field';
import type { Condition } from '@keelson/api/generated/types/meta/v1';
import { regexMessage } from '@keelson/api/validation/names';
import { validateLabelName } from './labelselector.ts';

const STATUSES = ['False', 'True', 'Unknown'];
const MAX_REASON = 1024;
const MAX_MESSAGE = 32 * 1024;
const REASON = /^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const REASON_PROBLEM = regexMessage(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?',
  'my_name',
  'MY_NAME',
  'MyName',
  'ReasonA,ReasonB',
  'ReasonA:ReasonB',
);

export function validateConditions(conditions: readonly Condition[] | null | undefined, path: Path): ErrorList {
  const seen = new Set<string>();
  return (conditions ?? []).flatMap((condition, i) => {
    const at = path.index(i);
    const repeated = seen.has(condition.type) ? [duplicate(at.child('type'), condition.type)] : [];
    seen.add(condition.type);
    return [...repeated, ...validateCondition(condition, at)];
  });
}

function validateCondition(condition: Condition, path: Path): ErrorList {
  const { type, status, observedGeneration = 0, lastTransitionTime, reason, message } = condition;
  const errors = validateLabelName(type, path.child('type'));
  if (!STATUSES.includes(status)) errors.push(notSupported(path.child('status'), status, STATUSES));
  if (observedGeneration < 0)
    errors.push(invalid(path.child('observedGeneration'), observedGeneration, 'must be greater than or equal to zero'));
  if (lastTransitionTime == null) errors.push(required(path.child('lastTransitionTime')));
  errors.push(...validateReason(reason, path.child('reason')));
  if (Buffer.byteLength(message) > MAX_MESSAGE) errors.push(tooLong(path.child('message'), MAX_MESSAGE));
  return errors;
}

function validateReason(reason: string, path: Path): ErrorList {
  if (!reason) return [required(path)];
  const errors: ErrorList = [];
  if (!REASON.test(reason)) errors.push(invalid(path, reason, REASON_PROBLEM));
  if (Buffer.byteLength(reason) > MAX_REASON) errors.push(tooLong(path, MAX_REASON));
  return errors;
}
