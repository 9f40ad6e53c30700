/** How much of a capacity a request may ask for. Compare pkg/apis/resource/validation: validateRequestPolicy. */
import { type ErrorList, forbidden, invalid, type Path, required } from '@keelson/api/field';
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  DeviceCapacity,
} from '@keelson/api/generated/types/resource/v1';
import { Quantity } from '@keelson/api/quantity';
import { validateSet } from '../collections.ts';

const MAX_VALID_VALUES = 10;

/** @param shareable the device may be allocated many times: then alone its capacity has a policy */
export function validateCapacity({ value, requestPolicy }: DeviceCapacity, shareable: boolean, path: Path): ErrorList {
  if (!requestPolicy) return [];
  const at = path.child('requestPolicy');
  if (!shareable) return [forbidden(at, 'allowMultipleAllocations must be true')];
  return validatePolicy(requestPolicy, Quantity.parse(value), at);
}

function validatePolicy(policy: CapacityRequestPolicy, capacity: Quantity, path: Path): ErrorList {
  const { validValues = [], validRange } = policy;
  if (validValues.length > 0 && validRange) {
    const problem =
      'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
    return [forbidden(path, problem)];
  }
  const key = validRange ? 'validRange' : 'validValues';
  if (!validRange && validValues.length === 0) return [];
  if (policy.default == null) return [required(path.child('default'), `required when ${key} is defined`)];
  const initial = Quantity.parse(policy.default);
  return validRange
    ? validateRange(validRange, initial, capacity, path.child(key))
    : validateValues(
        validValues.map((value) => Quantity.parse(value)),
        initial,
        capacity,
        path.child(key),
      );
}

function validateValues(values: readonly Quantity[], initial: Quantity, capacity: Quantity, path: Path): ErrorList {
  const errors = values.flatMap((value, i) =>
    i > 0 && values[i - 1]!.cmp(value) > 0
      ? [invalid(path.index(i), String(value), 'values must be sorted in ascending order')]
      : [],
  );
  const isLarger = (value: Quantity, at: Path) =>
    value.cmp(capacity) > 0 ? [invalid(at, String(value), `option is larger than capacity value: ${capacity}`)] : [];
  errors.push(...validateSet(values, MAX_VALID_VALUES, isLarger, (value) => String(value.value()), path));
  if (values.length > MAX_VALID_VALUES || !values.some((value) => value.cmp(initial) === 0))
    errors.push(invalid(path, String(initial), 'default value is not valid according to the requestPolicy'));
  return errors;
}

function validateRange(
  range: CapacityRequestPolicyRange,
  initial: Quantity,
  capacity: Quantity,
  path: Path,
): ErrorList {
  if (range.min === undefined) return [required(path.child('min'), 'required when validRange is defined')];
  const min = Quantity.parse(range.min);
  const max = range.max === undefined ? undefined : Quantity.parse(range.max);
  const errors: ErrorList = [];
  const complain = (key: string, value: Quantity, problem: string) =>
    errors.push(invalid(path.child(key), String(value), problem));

  if (min.cmp(capacity) > 0) complain('min', min, `min is larger than capacity value: ${capacity}`);
  if (initial.cmp(min) < 0) complain('min', initial, `default is less than min: ${min}`);
  if (max) {
    if (min.cmp(max) > 0) complain('max', min, `min is larger than max: ${max}`);
    if (max.cmp(capacity) > 0) complain('max', max, `max is larger than capacity value: ${capacity}`);
    if (initial.cmp(max) > 0) complain('max', initial, `default is more than max: ${max}`);
  }
  if (range.step !== undefined) {
    const step = Quantity.parse(range.step);
    const first = min.add(step);
    if (first.cmp(capacity) > 0) complain('step', step, `one step ${first} is larger than capacity value: ${capacity}`);
    for (const value of [initial, ...(max ? [max] : [])])
      if (!isMultiple(value.value() - min.value(), step.value()))
        complain('step', value, `value is not a multiple of a given step (${step}) from (${min})`);
  }
  return errors;
}

/** Nothing is a multiple of 0, where upstream would fail. */
function isMultiple(amount: bigint, step: bigint): boolean {
  return step !== 0n && amount % step === 0n;
}
