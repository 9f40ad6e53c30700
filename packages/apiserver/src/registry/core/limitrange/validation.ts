/** Compare pkg/apis/core/validation: ValidateLimitRange. */
import { duplicate, type ErrorList, forbidden, invalid, named, Path, required } from '@keelson/api/field';
import type { LimitRange, LimitRangeItem } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isOvercommitAllowed } from '@keelson/api/resources/names';
import { isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { validateContainerResourceName, validateResourceName } from '../../validation/resources.ts';

const TYPES = ['Container', 'PersistentVolumeClaim', 'Pod'];
const ONE = Quantity.parse('1');
/** Above this thousandths do not fit: whole units are compared. */
const MAX_MILLI_VALUE = (2n ** 63n - 1n) / 1000n;

type Lists = 'max' | 'min' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio';

export function validateLimitRange({ spec }: LimitRange): ErrorList {
  const types = new Set<string>();
  return (spec.limits ?? []).flatMap((item, i) => {
    const path = Path.of('spec', 'limits').index(i);
    const errors = validateType(item.type, path.child('type'));
    if (types.has(item.type)) errors.push(duplicate(path.child('type'), item.type));
    types.add(item.type);
    return [...errors, ...validateItem(item, path)];
  });
}

function validateType(type: string, path: Path): ErrorList {
  const errors = invalidFor(path, named(type), isQualifiedName(type));
  if (errors.length > 0 || type.includes('/') || TYPES.includes(type)) return errors;
  return [invalid(path, named(type), 'must be a standard limit type or fully qualified')];
}

function validateItem(item: LimitRangeItem, path: Path): ErrorList {
  const { type } = item;
  const nameRule = type === 'Pod' || type === 'Container' ? validateContainerResourceName : validateResourceName;
  const names = (list: Lists) =>
    Object.keys(item[list] ?? {}).flatMap((name) => nameRule(name, path.child(list).key(name)));
  const errors = [...names('max'), ...names('min')];
  const isPod = type === 'Pod';
  for (const list of ['default', 'defaultRequest'] as const) {
    const set = Object.keys(item[list] ?? {}).length > 0;
    if (!isPod) errors.push(...names(list));
    else if (set) errors.push(forbidden(path.child(list), "may not be specified when `type` is 'Pod'"));
  }
  if (type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined)
    errors.push(
      required(path.child('limits'), 'either minimum or maximum storage value is required, but neither was provided'),
    );
  errors.push(...names('maxLimitRequestRatio'));
  const shown: Lists[] = isPod
    ? ['max', 'min', 'maxLimitRequestRatio']
    : ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'];
  const keys = new Set(shown.flatMap((list) => Object.keys(item[list] ?? {})));
  return [...errors, ...[...keys].flatMap((key) => validateAmounts(key, amountsOf(item, key, isPod), path))];
}

interface Amounts {
  readonly min?: Quantity;
  readonly max?: Quantity;
  readonly limit?: Quantity;
  readonly request?: Quantity;
  readonly ratio?: Quantity;
}

function amountsOf(item: LimitRangeItem, key: string, isPod: boolean): Amounts {
  const read = (list: Lists) => {
    const text = item[list]?.[key];
    return text === undefined ? undefined : Quantity.parse(text);
  };
  const found = {
    min: read('min'),
    max: read('max'),
    limit: isPod ? undefined : read('default'),
    request: isPod ? undefined : read('defaultRequest'),
    ratio: read('maxLimitRequestRatio'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, amount]) => amount !== undefined));
}

function validateAmounts(key: string, amounts: Amounts, path: Path): ErrorList {
  const { min, max, limit, request, ratio } = amounts;
  const errors: ErrorList = [];
  /** The first may not exceed the second; `shown` is the one that the message presents. */
  const check = (
    a: Quantity | undefined,
    aName: string,
    b: Quantity | undefined,
    bName: string,
    at: string,
    shown?: Quantity,
  ) => {
    if (a && b && a.cmp(b) > 0)
      errors.push(
        invalid(path.child(at).key(key), String(shown), `${aName} value ${a} is greater than ${bName} value ${b}`),
      );
  };
  check(min, 'min', max, 'max', 'min', min);
  check(min, 'min', request, 'default request', 'defaultRequest', request);
  check(request, 'default request', max, 'max', 'defaultRequest', request);
  check(request, 'default request', limit, 'default limit', 'defaultRequest', request);
  check(min, 'min', limit, 'default', 'default', min);
  check(limit, 'default', max, 'max', 'default', max);
  const ratioPath = path.child('maxLimitRequestRatio').key(key);
  if (ratio && ratio.cmp(ONE) < 0) errors.push(invalid(ratioPath, String(ratio), `ratio ${ratio} is less than 1`));
  if (ratio && min && max) errors.push(...validateRatio(ratio, min, max, ratioPath));
  if (!isOvercommitAllowed(key) && limit && request && limit.cmp(request) !== 0)
    errors.push(
      invalid(
        path.child('defaultRequest').key(key),
        String(request),
        `default value ${limit} must equal to defaultRequest value ${request} in ${key}`,
      ),
    );
  return errors;
}

function validateRatio(ratio: Quantity, min: Quantity, max: Quantity, path: Path): ErrorList {
  const exact = [ratio, min, max].every((q) => q.value() < MAX_MILLI_VALUE);
  const wanted = exact ? Number(ratio.milliValue()) / 1000 : Number(ratio.value());
  const possible = exact
    ? Number(max.milliValue()) / Number(min.milliValue())
    : Number(max.value()) / Number(min.value());
  if (!(wanted > possible)) return [];
  return [invalid(path, String(ratio), `ratio ${ratio} is greater than max/min = ${possible.toFixed(6)}`)];
}
