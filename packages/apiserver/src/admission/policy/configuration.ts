/** What an expression has made, as the configuration that is applied (k8s.io/apiserver/pkg/cel/mutation/dynamic). */
import { GoValue } from '@keelson/api/patch/goformat';
import {
  Duration,
  failure,
  isList,
  isMap,
  OptionalValue,
  sourceOf,
  Timestamp,
  TypeValue,
  toJson,
  typeName,
  typeOf,
  type Value,
} from '@keelson/cel';

/**
 * Optionals are what they hold, or null; a type is its name. Nulls, bytes, times and durations are no JSON to upstream: they stay
 * what they are in Go, which no schema takes.
 * @throws EvaluationError for maps with keys that are no strings, and for values of libraries
 */
export function configurationOf(value: Value): unknown {
  if (value === null) return new GoValue('structpb.NullValue', 'NULL_VALUE', '0');
  if (typeof value !== 'object' || sourceOf(value) !== undefined) return toJson(value);
  if (value instanceof OptionalValue) return value.value === undefined ? null : configurationOf(value.value);
  if (value instanceof TypeValue) return typeName(value.type);
  if (value instanceof Uint8Array) {
    const hex = [...value].map((byte) => `0x${byte.toString(16)}`);
    return new GoValue('[]uint8', `[${value.join(' ')}]`, `[]uint8{${hex.join(', ')}}`);
  }
  if (value instanceof Duration) return new GoValue('time.Duration', String(value), String(value.nanos));
  if (value instanceof Timestamp) return timeOf(value);
  if (isList(value)) return [...value].map(configurationOf);
  if (!isMap(value)) return toJson(value);
  return Object.fromEntries([...value.keys()].map((key) => [nameOf(key), configurationOf(value.find(key)!)]));
}

/** @throws EvaluationError */
function nameOf(key: Value): string {
  if (typeof key !== 'string') throw failure(`map key is of type ${typeName(typeOf(key))}, not string`);
  return key;
}

function timeOf({ nanos }: Timestamp): GoValue {
  const date = new Date(Number(nanos / 1_000_000n));
  const [day, time] = date.toISOString().slice(0, 19).split('T');
  const month = date.toLocaleString('en', { month: 'long', timeZone: 'UTC' });
  const parts = [date.getUTCFullYear(), `time.${month}`, date.getUTCDate()];
  const clock = [
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    BigInt.asUintN(64, nanos % 1_000_000_000n),
  ];
  return new GoValue(
    'time.Time',
    `${day} ${time} +0000 UTC`,
    `time.Date(${[...parts, ...clock].join(', ')}, time.UTC)`,
  );
}
