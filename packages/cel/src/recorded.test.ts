import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  BINDINGS,
  BOOL,
  BYTES,
  compile,
  type Declared,
  DOUBLE,
  DURATION,
  DYN,
  describeType,
  EvaluationError,
  environment,
  INT,
  JSON_PATCH,
  listOf,
  mapOf,
  NO_MAX,
  STRING,
  TIMESTAMP,
  UINT,
  withMaxElements,
} from './index.ts';
import { debugFormat } from './testing.ts';

/** What cel-go 0.26 said with Kubernetes 1.36's environment. */
interface Recorded {
  readonly expr: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly activation?: Readonly<Record<string, unknown>>;
  readonly issues?: string;
  readonly type?: string;
  /** The estimated cost, where no length is declared. */
  readonly min?: number;
  readonly max?: number;
  readonly program?: string;
  readonly error?: string;
  readonly value?: string;
  readonly cost?: number;
}

const unbounded = (declared: Declared) => withMaxElements(declared, NO_MAX);
const TYPES: Readonly<Record<string, Declared>> = {
  int: unbounded(INT),
  uint: unbounded(UINT),
  double: unbounded(DOUBLE),
  string: STRING,
  bool: unbounded(BOOL),
  bytes: BYTES,
  timestamp: unbounded(TIMESTAMP),
  duration: unbounded(DURATION),
  'list(string)': listOf(STRING),
  'list(int)': listOf(unbounded(INT)),
  'list(dyn)': listOf(DYN),
  'map(string, string)': mapOf(STRING, STRING),
  'map(string, int)': mapOf(STRING, unbounded(INT)),
  'map(string, dyn)': mapOf(STRING, DYN),
};

function play({ expr, vars = {}, activation = {} }: Recorded): Partial<Recorded> {
  const variables = Object.fromEntries(Object.entries(vars).map(([name, type]) => [name, TYPES[type] ?? DYN]));
  const compiled = compile(environment({ variables }, BINDINGS, JSON_PATCH), expr);
  if (compiled.issues) return { issues: compiled.issues.message };
  const known = { type: describeType(compiled.type), ...compiled.cost() };
  const program = attempt(() => compiled.program());
  if (program instanceof EvaluationError) return { ...known, program: program.message };
  const result = attempt(() => program.evaluate(activation));
  if (result instanceof EvaluationError) return { ...known, error: result.message, cost: result.cost };
  return { ...known, value: debugFormat(result.value), cost: result.cost };
}

function attempt<T>(run: () => T): T | EvaluationError {
  try {
    return run();
  } catch (error) {
    if (error instanceof EvaluationError) return error;
    throw error;
  }
}

describe.each(['language', 'libraries', 'details', 'syntax', 'fuzz'])('recorded: %s', (name) => {
  const file = new URL(`./testdata/${name}.json`, import.meta.url);
  const cases = JSON.parse(fs.readFileSync(file, 'utf8')) as Recorded[];
  test.each(cases.map((recorded) => [recorded.expr, recorded] as const))('%s', (_, recorded) => {
    const { expr: _expr, vars: _vars, activation: _activation, ...said } = recorded;
    expect(play(recorded)).toEqual(said);
  });
});
