/** Quantities and semantic versions (k8s.io/apiserver/pkg/cel/library/quantity.go, semverlib.go). */
import { quote } from '@keelson/api/field';
import { Quantity, QuantityError } from '@keelson/api/quantity';
import type { Declarations } from '../environment.ts';
import { EvaluationError, failure } from '../eval/errors.ts';
import type { Overload } from '../functions.ts';
import { BoolType, DoubleType, IntType, StringType, type Type } from '../types/type.ts';
import { fixedCost, textCost } from './costs.ts';
import { fn, member, overload } from './declare.ts';
import { objectType, Wrapped } from './opaque.ts';

export const QuantityType = objectType('kubernetes.Quantity');
export const SemverType = objectType('kubernetes.Semver');

/** `quantity('1Gi')` */
export class QuantityValue extends Wrapped<Quantity> {
  readonly type = QuantityType;
  protected key(): string {
    let { unscaled, exponent } = this.value;
    for (; unscaled !== 0n && unscaled % 10n === 0n; exponent++) unscaled /= 10n;
    return unscaled === 0n ? '0' : `${unscaled}e${exponent}`;
  }
  override toString(): string {
    return this.value.toString();
  }
}

/** @throws EvaluationError */
export function parseQuantity(text: string): QuantityValue {
  try {
    return new QuantityValue(Quantity.parse(text));
  } catch (error) {
    if (error instanceof QuantityError) throw failure(error.message);
    throw error;
  }
}

export interface Semver {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** Numbers as bigint. */
  readonly prerelease: readonly (string | bigint)[];
}

/** `semver('1.2.3-alpha.1')` */
export class SemverValue extends Wrapped<Semver> {
  readonly type = SemverType;
  protected key(): string {
    return this.toString();
  }
  override toString(): string {
    const { major, minor, patch, prerelease } = this.value;
    const suffix = prerelease.length === 0 ? '' : `-${prerelease.join('.')}`;
    return `${major}.${minor}.${patch}${suffix}`;
  }
}

/** As github.com/blang/semver reads it. @throws EvaluationError */
export function parseSemver(text: string): SemverValue {
  if (text === '') throw failure('Version string empty');
  const parts = splitAtMost(text, '.', 3);
  if (parts.length !== 3) throw failure('No Major.Minor.Patch elements found');
  const [major, minor] = [versionNumber(parts[0]!, 'major'), versionNumber(parts[1]!, 'minor')];
  let rest = parts[2]!;
  let build: string | undefined;
  let pre: string | undefined;
  const plus = rest.indexOf('+');
  if (plus >= 0) [rest, build] = [rest.slice(0, plus), rest.slice(plus + 1)];
  const dash = rest.indexOf('-');
  if (dash >= 0) [rest, pre] = [rest.slice(0, dash), rest.slice(dash + 1)];
  const patch = versionNumber(rest, 'patch');
  const prerelease = pre === undefined ? [] : pre.split('.').map(prereleasePart);
  for (const part of build === undefined ? [] : build.split('.')) {
    if (part === '') throw failure('Build meta data is empty');
    if (!ALPHANUMERIC.test(part)) throw failure(`Invalid character(s) found in build meta data ${quote(part)}`);
  }
  return new SemverValue({ major, minor, patch, prerelease });
}

const ALPHANUMERIC = /^[0-9A-Za-z-]+$/;

function splitAtMost(text: string, separator: string, count: number): string[] {
  const parts = text.split(separator);
  return parts.length <= count ? parts : [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}

function versionNumber(text: string, name: 'major' | 'minor' | 'patch'): bigint {
  const Name = name[0]!.toUpperCase() + name.slice(1);
  if (!/^\d*$/.test(text)) throw failure(`Invalid character(s) found in ${name} number ${quote(text)}`);
  if (text.length > 1 && text.startsWith('0'))
    throw failure(`${Name} number must not contain leading zeroes ${quote(text)}`);
  if (text === '') throw failure('strconv.ParseUint: parsing "": invalid syntax');
  return uint64(text);
}

function uint64(text: string): bigint {
  const value = BigInt(text);
  if (value >= 2n ** 64n) throw failure(`strconv.ParseUint: parsing ${quote(text)}: value out of range`);
  return value;
}

function prereleasePart(text: string): string | bigint {
  if (text === '') throw failure('Prerelease is empty');
  if (/^\d+$/.test(text)) {
    if (text.length > 1 && text.startsWith('0')) {
      throw failure(`Numeric PreRelease version must not contain leading zeroes ${quote(text)}`);
    }
    return uint64(text);
  }
  if (!ALPHANUMERIC.test(text)) throw failure(`Invalid character(s) found in prerelease ${quote(text)}`);
  return text;
}

/** A leading v, leading zeros and missing parts are forgiven. */
function normalized(text: string): string {
  const parts = splitAtMost(text.startsWith('v') ? text.slice(1) : text, '.', 3).map((part) => {
    if (part.length <= 1) return part;
    const bare = part.replace(/^0+/, '');
    return /^\d/.test(bare) ? bare : `0${bare}`;
  });
  if (parts.length === 3) return parts.join('.');
  if (/[+-]/.test(parts.at(-1)!)) throw failure('short version cannot contain PreRelease/Build meta data');
  return [...parts, ...new Array<string>(3 - parts.length).fill('0')].join('.');
}

const toSemver = (text: string, normalize = false) => parseSemver(normalize ? normalized(text) : text);

function compareSemver({ value: a }: SemverValue, { value: b }: SemverValue): number {
  for (const part of ['major', 'minor', 'patch'] as const) {
    if (a[part] !== b[part]) return a[part] > b[part] ? 1 : -1;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Number(a.prerelease.length === 0) - Number(b.prerelease.length === 0);
  }
  for (let i = 0; i < Math.min(a.prerelease.length, b.prerelease.length); i++) {
    const [left, right] = [a.prerelease[i]!, b.prerelease[i]!];
    if (left === right) continue;
    if (typeof left !== typeof right) return typeof left === 'bigint' ? -1 : 1;
    return left > right ? 1 : -1;
  }
  return Math.sign(a.prerelease.length - b.prerelease.length);
}

function succeeds<Args extends unknown[]>(parse: (...args: Args) => unknown): (...args: Args) => boolean {
  return (...args) => {
    try {
      parse(...args);
      return true;
    } catch (error) {
      if (error instanceof EvaluationError) return false;
      throw error;
    }
  };
}

const compareQuantity = (a: QuantityValue, b: QuantityValue) => a.value.cmp(b.value);

/** `isGreaterThan`, `isLessThan` and `compareTo` of a type. */
function ordered<V>(name: string, type: Type, compare: (a: V, b: V) => number) {
  const on = (id: string, result: Type, call: (a: V, b: V) => boolean | bigint): Overload =>
    member(`${name}_${id}`, [type, type], result, call as (...args: never[]) => boolean | bigint);
  return {
    greater: on('is_greater_than', BoolType, (a, b) => compare(a, b) > 0),
    less: on('is_less_than', BoolType, (a, b) => compare(a, b) < 0),
    compare: on('compare_to', IntType, (a, b) => BigInt(compare(a, b))),
  };
}

const quantities = ordered('quantity', QuantityType, compareQuantity);
const semvers = ordered('semver', SemverType, compareSemver);

function toInteger({ value }: QuantityValue): bigint {
  const integer = value.asInt64();
  if (integer === undefined) throw failure('cannot convert value to integer');
  return integer;
}

function arithmetic(name: 'add' | 'sub') {
  const by = (a: QuantityValue, b: Quantity) => new QuantityValue(name === 'add' ? a.value.add(b) : a.value.sub(b));
  return fn(
    name,
    [
      member(`quantity_${name}`, [QuantityType, QuantityType], QuantityType, (a: QuantityValue, b: QuantityValue) =>
        by(a, b.value),
      ),
      member(`quantity_${name}_int`, [QuantityType, IntType], QuantityType, (a: QuantityValue, b: bigint) =>
        by(a, Quantity.of(b, 'DecimalExponent')),
      ),
    ],
    { cost: fixedCost(1) },
  );
}

function semverPart(name: 'major' | 'minor' | 'patch') {
  const overloads = [member(`semver_${name}`, [SemverType], IntType, ({ value }: SemverValue) => value[name])];
  return fn(name, overloads, { cost: fixedCost(1) });
}

export const QUANTITY: Declarations = {
  functions: [
    fn('quantity', [overload('string_to_quantity', [StringType], QuantityType, parseQuantity)], { cost: textCost() }),
    fn('isQuantity', [overload('is_quantity_string', [StringType], BoolType, succeeds(parseQuantity))], {
      cost: textCost(),
    }),
    fn('sign', [overload('quantity_sign', [QuantityType], IntType, (q: QuantityValue) => BigInt(q.value.sign()))], {
      cost: fixedCost(1),
    }),
    fn('isGreaterThan', [quantities.greater, semvers.greater], { cost: fixedCost(1) }),
    fn('isLessThan', [quantities.less, semvers.less], { cost: fixedCost(1) }),
    fn('compareTo', [quantities.compare, semvers.compare], { cost: fixedCost(1) }),
    fn(
      'asApproximateFloat',
      [member('quantity_get_float', [QuantityType], DoubleType, (q: QuantityValue) => q.value.toNumber())],
      { cost: fixedCost(1) },
    ),
    fn('asInteger', [member('quantity_get_int', [QuantityType], IntType, toInteger)], { cost: fixedCost(1) }),
    fn(
      'isInteger',
      [member('quantity_is_integer', [QuantityType], BoolType, (q: QuantityValue) => q.value.asInt64() !== undefined)],
      { cost: fixedCost(1) },
    ),
    arithmetic('add'),
    arithmetic('sub'),
    fn(
      'semver',
      [
        overload('string_to_semver', [StringType], SemverType, toSemver),
        overload('string_bool_to_semver', [StringType, BoolType], SemverType, toSemver),
      ],
      { cost: textCost() },
    ),
    fn(
      'isSemver',
      [
        overload('is_semver_string', [StringType], BoolType, succeeds(toSemver)),
        overload('is_semver_string_bool', [StringType, BoolType], BoolType, succeeds(toSemver)),
      ],
      { cost: textCost() },
    ),
    semverPart('major'),
    semverPart('minor'),
    semverPart('patch'),
  ],
};
