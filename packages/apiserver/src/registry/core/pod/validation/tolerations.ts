/** What taints a pod bears. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, named, notSupported, type Path, required } from '@keelson/api/field';
import type { Toleration } from '@keelson/api/generated/types/core/v1';
import { isDecimalInteger, isValidLabelValue } from '@keelson/api/validation/names';
import { parseInt64, parseProblem } from '../../../apps/annotations.ts';
import { invalidFor } from '../../../validation/fields.ts';
import { validateLabelName } from '../../../validation/labelselector.ts';

export interface TolerationOptions {
  readonly allowTolerationComparison?: boolean;
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(
  tolerations: readonly Toleration[],
  options: TolerationOptions,
  path: Path,
): ErrorList {
  return tolerations.flatMap((toleration, i) => {
    const { key = '', effect = '', tolerationSeconds, operator = '' } = toleration;
    const at = path.index(i);
    const errors: ErrorList = key === '' ? [] : validateLabelName(key, at.child('key'));
    if (key === '' && operator !== 'Exists')
      errors.push(
        invalid(
          at.child('operator'),
          operator,
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      errors.push(
        invalid(at.child('effect'), named(effect), "effect must be 'NoExecute' when `tolerationSeconds` is set"),
      );
    errors.push(...validateOperator(toleration, options, at));
    if (effect !== '') errors.push(...validateTaintEffect(effect, true, at.child('effect')));
    return errors;
  });
}

function validateOperator(
  { operator = '', value = '' }: Toleration,
  options: TolerationOptions,
  path: Path,
): ErrorList {
  const at = path.child('operator');
  switch (operator) {
    case '':
    case 'Equal': {
      const problems = isValidLabelValue(value);
      return problems.length > 0 ? [invalid(at, value, problems.join(';'))] : [];
    }
    case 'Exists':
      return value === '' ? [] : [invalid(at, value, "value must be empty when `operator` is 'Exists'")];
    case 'Lt':
    case 'Gt':
      if (!options.allowTolerationComparison) return [notSupported(at, operator, ['Equal', 'Exists', 'Lt', 'Gt'])];
      return [
        ...invalidFor(path.child('value'), value, isDecimalInteger(value)),
        ...(parseInt64(value) === undefined ? [invalid(path.child('value'), value, parseProblem(value))] : []),
      ];
    default:
      return [notSupported(at, operator, ['Equal', 'Exists'])];
  }
}

function validateTaintEffect(effect: string, allowEmpty: boolean, path: Path): ErrorList {
  if (!allowEmpty && effect === '') return [required(path)];
  return EFFECTS.includes(effect) ? [] : [notSupported(path, effect, EFFECTS)];
}

/** A running pod gets more tolerations, and other seconds for those it has. */
export function validateOnlyAddedTolerations(
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
  options: TolerationOptions,
  path: Path,
): ErrorList {
  const kept = old.every(({ tolerationSeconds: _, ...rest }) =>
    tolerations.some(({ tolerationSeconds: __, ...other }) => semanticEqual(other, rest)),
  );
  if (!kept) return [forbidden(path, 'existing toleration can not be modified except its tolerationSeconds')];
  return validateTolerations(tolerations, options, path);
}
