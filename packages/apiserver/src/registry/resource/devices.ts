/** What claims, classes and allocations say of devices alike. Compare pkg/apis/resource/validation. */
import { stringify } from '@keelson/api/codec/stringify';
import {
  duplicate,
  type ErrorList,
  forbidden,
  invalid,
  notSupported,
  type Path,
  required,
  tooLong,
} from '@keelson/api/field';
import type { DeviceConfiguration, DeviceSelector, DeviceToleration } from '@keelson/api/generated/types/resource/v1';
import type { Json } from '@keelson/api/scalars';
import { compileSelector, SELECTOR_MAX_COST, SelectorError } from '@keelson/cel/dra/selector';
import { validateLabelName } from '../validation/labelselector.ts';
import { duplicatesIn, validateList } from './collections.ts';
import { validateDriverName, validateLabelValue } from './names.ts';

const MAX_SELECTORS = 32;
const MAX_EXPRESSION = 10 * 1024;
const MAX_RAW = 10 * 1024;
const MAX_BINDING_CONDITIONS = 4;
export const TAINT_EFFECTS = ['NoExecute', 'NoSchedule', 'None'];

export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, path: Path): ErrorList {
  return validateList(selectors, MAX_SELECTORS, validateSelector, path);
}

function validateSelector({ cel }: DeviceSelector, path: Path): ErrorList {
  const at = path.child('cel');
  return cel ? validateExpression(cel.expression, at.child('expression')) : [required(at)];
}

/** Expressions of new and of stored objects are compiled alike: this release adds nothing that older ones do not know. */
function validateExpression(expression: string, path: Path): ErrorList {
  if (Buffer.byteLength(expression) > MAX_EXPRESSION) return [tooLong(path, MAX_EXPRESSION)];
  try {
    const { maxCost } = compileSelector(expression);
    return maxCost > SELECTOR_MAX_COST ? [forbidden(path, 'too complex, exceeds cost limit')] : [];
  } catch (error) {
    if (error instanceof SelectorError) return [invalid(path, expression, error.message)];
    throw error;
  }
}

/** @param stored the parameters were accepted before, when there was no limit of their size */
export function validateConfiguration({ opaque }: DeviceConfiguration, stored: boolean, path: Path): ErrorList {
  const at = path.child('opaque');
  if (!opaque) return [required(at)];
  return [
    ...validateDriverName(opaque.driver, at.child('driver')),
    ...validateRawObject(opaque.parameters, stored, at.child('parameters')),
  ];
}

/** A JSON object of any content, bounded in size unless it is stored already. */
export function validateRawObject(value: Json | undefined, stored: boolean, path: Path): ErrorList {
  if (value === undefined || value === null) return [required(path)];
  if (!stored && Buffer.byteLength(stringify(value)) > MAX_RAW) return [tooLong(path, MAX_RAW)];
  if (typeof value === 'object' && !Array.isArray(value)) return [];
  return [invalid(path, '<value omitted>', 'must be a valid JSON object')];
}

export function validateToleration(toleration: DeviceToleration, path: Path): ErrorList {
  const { key = '', effect = '' } = toleration;
  return [
    ...(key === '' ? [] : validateLabelName(key, path.child('key'))),
    ...validateOperator(toleration, path),
    ...(effect === '' || TAINT_EFFECTS.includes(effect)
      ? []
      : [notSupported(path.child('effect'), effect, TAINT_EFFECTS)]),
  ];
}

function validateOperator({ operator = '', value = '' }: DeviceToleration, path: Path): ErrorList {
  const at = path.child('operator');
  switch (operator) {
    case 'Exists':
      return value === '' ? [] : [invalid(path.child('value'), value, 'must be empty for operator `Exists`')];
    case 'Equal':
      return validateLabelValue(value, path.child('value'));
    case '':
      return [required(at)];
    default:
      return [notSupported(at, operator, ['Equal', 'Exists'])];
  }
}

/** Conditions of devices and of their allocations: both lists or none, nothing in both. */
export function validateBindingConditions(
  device: { bindingConditions?: string[]; bindingFailureConditions?: string[] },
  path: Path,
): ErrorList {
  const { bindingConditions: binding = [], bindingFailureConditions: failure = [] } = device;
  const [atBinding, atFailure] = [path.child('bindingConditions'), path.child('bindingFailureConditions')];
  const text = (condition: string) => condition;
  const seen = new Set<string>();
  const errors = [
    ...validateList(binding, MAX_BINDING_CONDITIONS, validateLabelName, atBinding),
    ...validateList(failure, MAX_BINDING_CONDITIONS, validateLabelName, atFailure),
    ...duplicatesIn(binding, text, atBinding),
    ...failure.flatMap((condition, i) => {
      const repeated = seen.has(condition) ? [duplicate(atFailure.index(i), condition)] : [];
      seen.add(condition);
      if (!binding.includes(condition)) return repeated;
      const overlap = 'bindingFailureConditions must not overlap with bindingConditions';
      return [...repeated, invalid(atFailure.index(i), condition, overlap)];
    }),
  ];
  if (binding.length === 0 && failure.length > 0) {
    const problem = 'bindingConditions are required to use bindingFailureConditions';
    errors.push(invalid(atBinding, device.bindingConditions, problem));
  }
  if (failure.length === 0 && binding.length > 0) {
    const problem = 'bindingFailureConditions are required to use bindingConditions';
    errors.push(invalid(atFailure, device.bindingFailureConditions, problem));
  }
  return errors;
}
