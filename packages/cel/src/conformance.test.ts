/** The conformance tests of the language (github.com/google/cel-spec). */
import { tests as conformance } from '@bufbuild/cel-spec/testdata/conformance.js';
import { describe, expect, test } from 'vitest';
import { check } from './check/checker.ts';
import { equals } from './eval/equality.ts';
import { EvaluationError } from './eval/errors.ts';
import { Frame } from './eval/frame.ts';
import { plan } from './eval/plan.ts';
import { ArrayList, BINDINGS, environment, opaque, TypeValue, Uint, type Value, ValueMap } from './index.ts';
import { parse } from './syntax/parser.ts';
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
  optionalType,
  StringType,
  TimestampType,
  type Type,
  typeType,
  UintType,
} from './types/type.ts';

interface JsonTest {
  readonly name?: string;
  readonly expr: string;
  readonly value?: JsonValue;
  readonly typedResult?: { readonly result: JsonValue };
  readonly evalError?: unknown;
  readonly anyEvalErrors?: unknown;
  readonly unknown?: unknown;
  readonly container?: string;
  readonly disableCheck?: boolean;
  readonly disableMacros?: boolean;
  readonly checkOnly?: boolean;
  readonly typeEnv?: readonly JsonDeclaration[];
  readonly bindings?: Readonly<Record<string, { readonly value?: JsonValue }>>;
}
type JsonValue = Readonly<Record<string, unknown>>;
interface JsonDeclaration {
  readonly name: string;
  readonly ident?: { readonly type: JsonValue };
  readonly function?: unknown;
}
interface Suite {
  readonly name: string;
  readonly suites?: readonly Suite[];
  readonly tests?: readonly { readonly original: JsonTest }[];
}

/** What Kubernetes has no use for, or has in a version of its own. */
const SKIPPED: Readonly<Record<string, string>> = {
  block_ext: 'an optimization of expressions',
  encoders_ext: 'not in the environment',
  enums: 'protobuf messages',
  math_ext: 'not in the environment',
  network_ext: 'the library of Kubernetes is another one',
  proto2: 'protobuf messages',
  proto2_ext: 'protobuf messages',
  proto3: 'protobuf messages',
  string_ext: 'a later version; see recorded.test.ts',
  type_deduction: 'deduced types are compared in recorded.test.ts',
  unknowns: 'partial evaluation',
  wrappers: 'protobuf messages',
};
/** Messages, wrappers and any within other sections. */
const PROTOBUF =
  /TestAllTypes|google\.protobuf\.(?!Timestamp|Duration)|objectValue|enumValue|GlobalEnum|NestedEnum|proto\.|cel\.expr|\.in\b/;

/** Tests that cel-go, as Kubernetes configures it, does not pass either. */
const NOT_HERE: Readonly<Record<string, string>> = {
  map_value_repeat_key: 'the last of equal keys wins',
  map_value_repeat_key_heterogeneous: 'the last of equal keys wins',
  map_null_entry_no_such_key: 'what has no fields is an empty optional',
  map_present_key_invalid_field: 'what has no fields is an empty optional',
  map_bad_key_type_or_true: 'a constant index of a wrong type is an error of the program',
  map_bad_key_type_and_false: 'a constant index of a wrong type is an error of the program',
};

function skipReason(test: JsonTest): string | undefined {
  if (test.name !== undefined && NOT_HERE[test.name]) return NOT_HERE[test.name];
  if (/\.`/.test(test.expr)) return 'quoted names of fields are switched off';
  if (PROTOBUF.test(JSON.stringify(test))) return 'protobuf messages';
  if (test.disableCheck || test.disableMacros) return 'expressions are always checked, with macros';
  if (test.container || test.unknown !== undefined) return 'no containers, no unknowns';
  if (test.typeEnv?.some((declaration) => declaration.function)) return 'functions of the test alone';
  return undefined;
}

function typeOf(json: JsonValue): Type {
  const [kind, of] = Object.entries(json)[0] as [string, unknown];
  const primitives: Readonly<Record<string, Type>> = {
    BOOL: BoolType,
    INT64: IntType,
    UINT64: UintType,
    DOUBLE: DoubleType,
    STRING: StringType,
    BYTES: BytesType,
  };
  const wellKnown: Readonly<Record<string, Type>> = { TIMESTAMP: TimestampType, DURATION: DurationType };
  switch (kind) {
    case 'primitive':
      return primitives[of as string]!;
    case 'wellKnown':
      return wellKnown[of as string] ?? DynType;
    case 'listType':
      return listType(typeOf((of as { elemType: JsonValue }).elemType));
    case 'mapType': {
      const { keyType, valueType } = of as { keyType: JsonValue; valueType: JsonValue };
      return mapType(typeOf(keyType), typeOf(valueType));
    }
    case 'null':
      return NullType;
    case 'type':
      return typeType();
    case 'abstractType':
      return optionalType(DynType);
    default:
      return DynType;
  }
}

function readValue(json: JsonValue): Value {
  const [kind, of] = Object.entries(json)[0] as [string, never];
  switch (kind) {
    case 'int64Value':
      return BigInt(of);
    case 'uint64Value':
      return new Uint(BigInt(of));
    case 'doubleValue':
      return Number(of);
    case 'nullValue':
      return null;
    case 'bytesValue':
      return Buffer.from(of, 'base64');
    case 'typeValue':
      return new TypeValue(environment().types.get(of) ?? { kind: 'opaque', name: of, params: [] });
    case 'listValue':
      return new ArrayList(((of as { values?: JsonValue[] }).values ?? []).map(readValue));
    case 'mapValue': {
      const { entries = [] } = of as { entries?: { key: JsonValue; value: JsonValue }[] };
      return new ValueMap(entries.map(({ key, value }) => [readValue(key), readValue(value)] as const));
    }
    default:
      return of;
  }
}

function checked(test: JsonTest) {
  const declared = (test.typeEnv ?? []).map(({ name, ident }) => [name, opaque(typeOf(ident!.type))] as const);
  const bound = Object.entries(test.bindings ?? {}).map(([name, { value }]) => [name, readValue(value!)] as const);
  const variables = Object.fromEntries([...bound.map(([name]) => [name, opaque(DynType)] as const), ...declared]);
  const env = environment(BINDINGS, { variables });
  const parsed = parse(test.expr, env.macros);
  if (parsed.issues) throw new EvaluationError(parsed.issues.map((issue) => issue.message).join());
  const result = check(env, parsed.expr);
  if (result.issues.length > 0) throw new EvaluationError(result.issues.map((issue) => issue.message).join());
  return { result, env, activation: Object.fromEntries(bound) };
}

function evaluate(test: JsonTest): Value {
  const { result, env, activation } = checked(test);
  const { slots, step } = plan(result);
  return step(new Frame(slots, Number.POSITIVE_INFINITY, activation, env.variables));
}

function same(a: Value, b: Value): boolean {
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b) || a === b;
  return equals(a, b) === true && typeof a === typeof b;
}

function run(test: JsonTest): void {
  const wanted = test.value ?? test.typedResult?.result;
  if (test.evalError || test.anyEvalErrors) {
    expect(() => evaluate(test)).toThrow(EvaluationError);
  } else if (test.checkOnly) {
    checked(test);
  } else {
    const value = evaluate(test);
    const expected = wanted ? readValue(wanted) : true;
    if (!same(value, expected)) expect(value).toEqual(expected);
  }
}

describe.each((conformance as Suite).suites!.map((file) => [file.name, file] as const))('%s', (name, file) => {
  if (SKIPPED[name] !== undefined) {
    test.skip(`skipped: ${SKIPPED[name]}`, () => {});
    return;
  }
  for (const section of file.suites ?? []) {
    describe(section.name, () => {
      for (const { original } of section.tests ?? []) {
        const reason = skipReason(original);
        const title = original.name ?? original.expr;
        if (reason === undefined) test(title, () => run(original));
        else test.skip(`${title}: ${reason}`, () => {});
      }
    });
  }
});
