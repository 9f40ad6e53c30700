import { type ErrorList, FieldError, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { Taint } from '@keelson/api/generated/types/core/v1';
import { isValidLabelValue } from '@keelson/api/validation/names';
import { internalValue } from '../../validation/internal.ts';
import { validateLabelName } from '../../validation/labelselector.ts';

export const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTaints(taints: readonly Taint[] | undefined, path: Path): ErrorList {
  const seen = new Set<string>();
  return (taints ?? []).flatMap((taint, i) => {
    const at = path.index(i);
    const errors = validateTaint(taint, at);
    const pair = `${taint.effect} ${taint.key}`;
    if (seen.has(pair)) {
      const shown = internalValue('io.k8s.api.core.v1.Taint', taint);
      errors.push(new FieldError('FieldValueDuplicate', at, shown, 'taints must be unique by key and effect pair'));
    }
    seen.add(pair);
    return errors;
  });
}

function validateTaint({ key, value = '', effect }: Taint, path: Path): ErrorList {
  const errors = validateLabelName(key, path.child('key'));
  const problems = isValidLabelValue(value);
  if (problems.length > 0) errors.push(invalid(path.child('value'), value, problems.join(';')));
  const at = path.child('effect');
  if (!effect) errors.push(required(at));
  else if (!TAINT_EFFECTS.includes(effect)) errors.push(notSupported(at, effect, TAINT_EFFECTS));
  return errors;
}
