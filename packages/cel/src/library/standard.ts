/** The functions, operators and types of the language itself (cel-go common/stdlib). */
import type { Declarations } from '../environment.ts';
import { toBool, toDouble, toDuration, toInt, toText, toTimestamp, toUint } from '../eval/convert.ts';
import { compare, equals, isOrdered } from '../eval/equality.ts';
import { noSuchOverload } from '../eval/errors.ts';
import { STEPS_OF_ELEMENT, work } from '../eval/limits.ts';
import { add, divide, modulo, multiply, negate, subtract } from '../eval/operators.ts';
import { matches } from '../eval/pattern.ts';
import { type Duration, type TimeParts, type Timestamp, timeParts } from '../eval/time.ts';
import { isList, isMap, sizeOf, TypeValue, typeOf, type Value } from '../eval/values.ts';
import type { FunctionDeclaration, Overload } from '../functions.ts';
import { OP } from '../syntax/ast.ts';
import { STANDARD_MACROS } from '../syntax/macro.ts';
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  IntType,
  listType,
  mapType,
  NullType,
  StringType,
  TimestampType,
  type Type,
  typeType,
  UintType,
} from '../types/type.ts';
import { A, B, fn, ListOfA, MapOfAB, member, overload } from './declare.ts';

/** An operator whose one implementation looks at its operands itself. */
function operator(name: string, call: (...args: Value[]) => Value, signatures: readonly [string, Type[], Type][]) {
  return fn(
    name,
    signatures.map(([id, params, result]) => overload(id, params, result, call)),
    { unguarded: true },
  );
}

const unevaluated = () => {
  throw noSuchOverload();
};

const NUMBERS = [
  ['int64', IntType],
  ['uint64', UintType],
  ['double', DoubleType],
] as const;

function ordering(name: string, prefix: string, holds: (order: number) => boolean): FunctionDeclaration {
  const call = (a: Value, b: Value) => {
    if (!isOrdered(a)) throw noSuchOverload(name);
    return holds(compare(a, b));
  };
  const same = (id: string, type: Type): Overload => overload(`${prefix}_${id}`, [type, type], BoolType, call);
  const numeric = NUMBERS.flatMap(([left, from]) =>
    NUMBERS.map(([right, to]) =>
      overload(left === right ? `${prefix}_${left}` : `${prefix}_${left}_${right}`, [from, to], BoolType, call),
    ),
  );
  const others = [
    same('string', StringType),
    same('bytes', BytesType),
    same('timestamp', TimestampType),
    same('duration', DurationType),
  ];
  return fn(name, [same('bool', BoolType), ...numeric, ...others], { unguarded: true });
}

const OPERATORS: readonly FunctionDeclaration[] = [
  operator(OP.conditional, unevaluated, [['conditional', [BoolType, A, A], A]]),
  operator(OP.and, unevaluated, [['logical_and', [BoolType, BoolType], BoolType]]),
  operator(OP.or, unevaluated, [['logical_or', [BoolType, BoolType], BoolType]]),
  fn(OP.not, [overload('logical_not', [BoolType], BoolType, (value: boolean) => !value)], { mismatch: 'unnamed' }),
  operator(OP.notStrictlyFalse, unevaluated, [['not_strictly_false', [BoolType], BoolType]]),
  operator(OP.equals, unevaluated, [['equals', [A, A], BoolType]]),
  operator(OP.notEquals, unevaluated, [['not_equals', [A, A], BoolType]]),
  operator(OP.add, add, [
    ['add_bytes', [BytesType, BytesType], BytesType],
    ['add_double', [DoubleType, DoubleType], DoubleType],
    ['add_duration_duration', [DurationType, DurationType], DurationType],
    ['add_duration_timestamp', [DurationType, TimestampType], TimestampType],
    ['add_timestamp_duration', [TimestampType, DurationType], TimestampType],
    ['add_int64', [IntType, IntType], IntType],
    ['add_list', [ListOfA, ListOfA], ListOfA],
    ['add_string', [StringType, StringType], StringType],
    ['add_uint64', [UintType, UintType], UintType],
  ]),
  operator(OP.divide, divide, [
    ['divide_double', [DoubleType, DoubleType], DoubleType],
    ['divide_int64', [IntType, IntType], IntType],
    ['divide_uint64', [UintType, UintType], UintType],
  ]),
  operator(OP.modulo, modulo, [
    ['modulo_int64', [IntType, IntType], IntType],
    ['modulo_uint64', [UintType, UintType], UintType],
  ]),
  operator(OP.multiply, multiply, [
    ['multiply_double', [DoubleType, DoubleType], DoubleType],
    ['multiply_int64', [IntType, IntType], IntType],
    ['multiply_uint64', [UintType, UintType], UintType],
  ]),
  operator(OP.negate, negate, [
    ['negate_double', [DoubleType], DoubleType],
    ['negate_int64', [IntType], IntType],
  ]),
  operator(OP.subtract, subtract, [
    ['subtract_double', [DoubleType, DoubleType], DoubleType],
    ['subtract_duration_duration', [DurationType, DurationType], DurationType],
    ['subtract_int64', [IntType, IntType], IntType],
    ['subtract_timestamp_duration', [TimestampType, DurationType], TimestampType],
    ['subtract_timestamp_timestamp', [TimestampType, TimestampType], DurationType],
    ['subtract_uint64', [UintType, UintType], UintType],
  ]),
  ordering(OP.less, 'less', (order) => order < 0),
  ordering(OP.lessEquals, 'less_equals', (order) => order <= 0),
  ordering(OP.greater, 'greater', (order) => order > 0),
  ordering(OP.greaterEquals, 'greater_equals', (order) => order >= 0),
  operator(OP.index, unevaluated, [
    ['index_list', [ListOfA, IntType], A],
    ['index_map', [MapOfAB, A], B],
  ]),
  operator(OP.in, isIn, [
    ['in_list', [A, ListOfA], BoolType],
    ['in_map', [A, MapOfAB], BoolType],
  ]),
];

function isIn(element: Value, container: Value): Value {
  if (isMap(container)) return container.find(element) !== undefined;
  if (!isList(container)) throw noSuchOverload();
  work(container.size * STEPS_OF_ELEMENT);
  let refused = false;
  for (const item of container) {
    const equal = equals(item, element);
    if (equal) return true;
    refused ||= equal === undefined;
  }
  if (refused && container.strict) throw noSuchOverload();
  return false;
}

const size = (value: Value) => BigInt(sizeOf(value)!);
const SIZED = [
  ['size_bytes', 'bytes_size', BytesType],
  ['size_list', 'list_size', ListOfA],
  ['size_map', 'map_size', MapOfAB],
  ['size_string', 'string_size', StringType],
] as const;

/** A conversion to a type from the types named. */
function conversion(name: string, result: Type, call: (value: Value) => Value, from: readonly [string, Type][]) {
  return fn(
    name,
    from.map(([id, type]) => overload(id, [type], result, call)),
  );
}

const CONVERSIONS: readonly FunctionDeclaration[] = [
  fn('type', [overload('type', [A], typeType(A), (value: Value) => new TypeValue(typeOf(value)))]),
  conversion('bool', BoolType, toBool, [
    ['bool_to_bool', BoolType],
    ['string_to_bool', StringType],
  ]),
  conversion('bytes', BytesType, (value) => (typeof value === 'string' ? Buffer.from(value) : value), [
    ['bytes_to_bytes', BytesType],
    ['string_to_bytes', StringType],
  ]),
  conversion('double', DoubleType, toDouble, [
    ['double_to_double', DoubleType],
    ['int64_to_double', IntType],
    ['string_to_double', StringType],
    ['uint64_to_double', UintType],
  ]),
  conversion('duration', DurationType, toDuration, [
    ['duration_to_duration', DurationType],
    ['int64_to_duration', IntType],
    ['string_to_duration', StringType],
  ]),
  conversion('dyn', DynType, (value) => value, [['to_dyn', A]]),
  conversion('int', IntType, toInt, [
    ['int64_to_int64', IntType],
    ['double_to_int64', DoubleType],
    ['duration_to_int64', DurationType],
    ['string_to_int64', StringType],
    ['timestamp_to_int64', TimestampType],
    ['uint64_to_int64', UintType],
  ]),
  conversion('string', StringType, toText, [
    ['string_to_string', StringType],
    ['bool_to_string', BoolType],
    ['bytes_to_string', BytesType],
    ['double_to_string', DoubleType],
    ['duration_to_string', DurationType],
    ['int64_to_string', IntType],
    ['timestamp_to_string', TimestampType],
    ['uint64_to_string', UintType],
  ]),
  conversion('timestamp', TimestampType, toTimestamp, [
    ['timestamp_to_timestamp', TimestampType],
    ['int64_to_timestamp', IntType],
    ['string_to_timestamp', StringType],
  ]),
  conversion('uint', UintType, toUint, [
    ['uint64_to_uint64', UintType],
    ['double_to_uint64', DoubleType],
    ['int64_to_uint64', IntType],
    ['string_to_uint64', StringType],
  ]),
];

const STRINGS: readonly FunctionDeclaration[] = [
  fn(
    'contains',
    [
      member('contains_string', [StringType, StringType], BoolType, (text: string, part: string) =>
        text.includes(part),
      ),
    ],
    { mismatch: 'unnamed' },
  ),
  fn(
    'endsWith',
    [member('ends_with_string', [StringType, StringType], BoolType, (text: string, end: string) => text.endsWith(end))],
    { mismatch: 'unnamed' },
  ),
  fn(
    'startsWith',
    [member('starts_with_string', [StringType, StringType], BoolType, (text: string, s: string) => text.startsWith(s))],
    { mismatch: 'unnamed' },
  ),
  fn(
    'matches',
    [
      overload('matches', [StringType, StringType], BoolType, matches),
      member('matches_string', [StringType, StringType], BoolType, matches),
    ],
    { mismatch: 'name' },
  ),
];

/** A part of a time, in UTC or in a zone. */
function timePart(
  name: string,
  ids: readonly [string, string],
  part: (parts: TimeParts) => number,
  more: Overload[] = [],
) {
  return fn(name, [
    member(ids[0], [TimestampType], IntType, (time: Timestamp) => BigInt(part(timeParts(time)))),
    member(ids[1], [TimestampType, StringType], IntType, (time: Timestamp, zone: string) =>
      BigInt(part(timeParts(time, zone))),
    ),
    ...more,
  ]);
}

function durationPart(id: string, nanos: bigint): Overload {
  return member(id, [DurationType], IntType, (duration: Duration) => duration.nanos / nanos);
}

const TIMES: readonly FunctionDeclaration[] = [
  timePart('getFullYear', ['timestamp_to_year', 'timestamp_to_year_with_tz'], (p) => p.year),
  timePart('getMonth', ['timestamp_to_month', 'timestamp_to_month_with_tz'], (p) => p.month),
  timePart('getDayOfYear', ['timestamp_to_day_of_year', 'timestamp_to_day_of_year_with_tz'], (p) => p.dayOfYear),
  timePart('getDayOfMonth', ['timestamp_to_day_of_month', 'timestamp_to_day_of_month_with_tz'], (p) => p.day - 1),
  timePart('getDate', ['timestamp_to_day_of_month_1_based', 'timestamp_to_day_of_month_1_based_with_tz'], (p) => p.day),
  timePart('getDayOfWeek', ['timestamp_to_day_of_week', 'timestamp_to_day_of_week_with_tz'], (p) => p.weekday),
  timePart('getHours', ['timestamp_to_hours', 'timestamp_to_hours_with_tz'], (p) => p.hour, [
    durationPart('duration_to_hours', 3_600_000_000_000n),
  ]),
  timePart('getMinutes', ['timestamp_to_minutes', 'timestamp_to_minutes_with_tz'], (p) => p.minute, [
    durationPart('duration_to_minutes', 60_000_000_000n),
  ]),
  timePart('getSeconds', ['timestamp_to_seconds', 'timestamp_to_seconds_tz'], (p) => p.second, [
    durationPart('duration_to_seconds', 1_000_000_000n),
  ]),
  timePart('getMilliseconds', ['timestamp_to_milliseconds', 'timestamp_to_milliseconds_with_tz'], (p) => p.milli, [
    durationPart('duration_to_milliseconds', 1_000_000n),
  ]),
];

export const STANDARD: Declarations = {
  functions: [
    ...OPERATORS,
    fn(
      'size',
      SIZED.flatMap(([global, instance, type]) => [
        overload(global, [type], IntType, size),
        member(instance, [type], IntType, size),
      ]),
      { mismatch: 'name' },
    ),
    ...CONVERSIONS,
    ...STRINGS,
    ...TIMES,
  ],
  macros: STANDARD_MACROS,
  types: {
    bool: BoolType,
    bytes: BytesType,
    double: DoubleType,
    'google.protobuf.Duration': DurationType,
    int: IntType,
    list: listType(DynType),
    map: mapType(DynType, DynType),
    null_type: NullType,
    string: StringType,
    'google.protobuf.Timestamp': TimestampType,
    type: typeType(),
    uint: UintType,
  },
};
