/** Bounds of numbers (k8s.io/kube-openapi/pkg/validation/validate/values.go). */
import { formatFloat } from '@keelson/api/codec/go-float';
import { GoValue } from '@keelson/api/field';
import { broken, type Finding, remark, unfit } from './findings.ts';
import { supportedFormat } from './formats.ts';
import type { Structural } from './structural.ts';

/** An integer in Go's sense: what is beyond is a float, whatever it looks like. */
export function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isSafeInteger(value);
}

/** Whether a float is an integer, near enough. */
export function isWhole(value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  const rounded = Math.round(value);
  return value === rounded || Math.abs(value - rounded) < 1e-9 * Math.abs(rounded);
}

/** What of its bounds a number breaks, in upstream's order. */
export function numberFindings(value: number | bigint, schema: Structural, path: string): Finding[] {
  const { multipleOf, maximum, exclusiveMaximum = false, minimum, exclusiveMinimum = false } = schema.source;
  const findings = beyondRange(value, schema, 'Checked', path);
  /** A limit that the type cannot hold is a finding of its own, and then numbers are compared as floats. */
  const limited = (limit: number | undefined, what: string, check: (limit: number, whole: boolean) => Finding[]) => {
    if (limit === undefined) return;
    const beyond = beyondRange(limit, schema, what, path);
    findings.push(...beyond, ...check(limit, beyond.length === 0 && isInteger(value)));
  };
  limited(multipleOf, 'MultipleOf', (factor, whole) => multipleFindings(value, factor, whole, path));
  limited(minimum, 'Minimum boundary', (limit, whole) => {
    const { given, bound, text, shown } = compared(value, limit, whole);
    if (exclusiveMinimum) return given > bound ? [] : [unfit(path, `should be greater than ${text}`, shown)];
    return given >= bound ? [] : [unfit(path, `should be greater than or equal to ${text}`, shown)];
  });
  limited(maximum, 'Maximum boundary', (limit, whole) => {
    const { given, bound, text, shown } = compared(value, limit, whole);
    if (exclusiveMaximum) return given < bound ? [] : [unfit(path, `should be less than ${text}`, shown)];
    return given <= bound ? [] : [unfit(path, `should be less than or equal to ${text}`, shown)];
  });
  return findings;
}

function compared(value: number | bigint, limit: number, whole: boolean) {
  if (!whole) {
    const given = Number(value);
    return { given, bound: limit, text: formatFloat(limit), shown: new GoValue(formatFloat(given)) };
  }
  const bound = BigInt(Math.trunc(limit));
  return { given: value, bound, text: String(bound), shown: value };
}

function multipleFindings(value: number | bigint, factor: number, whole: boolean, path: string): Finding[] {
  const { given, bound, text, shown } = compared(value, factor, whole);
  if (bound <= 0) return [broken(path, `factor MultipleOf declared for ${path} must be positive: ${text}`, bound)];
  const isMultiple =
    typeof bound === 'bigint'
      ? BigInt(given) % bound === 0n
      : isWhole(bound < 1 ? (1 / bound) * Number(given) : Number(given) / bound);
  return isMultiple ? [] : [unfit(path, `should be a multiple of ${text}`, shown)];
}

/** What does not go into the one type that the schema states. */
function beyondRange(value: number | bigint, schema: Structural, what: string, path: string): Finding[] {
  const { types } = schema;
  const [type] = types;
  const format = supportedFormat(types, schema.format);
  if (types.length !== 1 || holds(value, type!, format)) return [];
  const said = format === '' ? `${type} (default format)` : `${type} with format ${format}`;
  return [remark(`${what} value must be of type ${said} in ${path}`)];
}

function holds(value: number | bigint, type: string, format: string): boolean {
  if (type !== 'integer') return format !== 'float' || Number.isFinite(Math.fround(Number(value)));
  if (typeof value === 'number' && !Number.isInteger(value)) return false;
  const bits = format === 'int32' ? 32 : 64;
  if (Number.isSafeInteger(value)) return bits === 64 || value === (Number(value) | 0);
  return BigInt.asIntN(bits, BigInt(value)) === BigInt(value);
}
