/** Whether literals are what they are used as: durations, times, patterns; lists and maps of one type (cel-go cel/validator.go). */
import { toDuration, toTimestamp } from '../eval/convert.ts';
import { EvaluationError } from '../eval/errors.ts';
import { compilePattern } from '../eval/pattern.ts';
import type { Value } from '../eval/values.ts';
import { type Expr, walk } from '../syntax/ast.ts';
import type { Issue } from '../syntax/source.ts';
import { formatType, sameType, type Type, unwrapOptional } from '../types/type.ts';
import type { Checked } from './checker.ts';

const FORMATS: readonly (readonly [string, (value: Value) => unknown])[] = [
  ['duration', toDuration],
  ['timestamp', toTimestamp],
  ['matches', (value) => compilePattern(value as string)],
];

export function literalIssues({ expr, types }: Checked): Issue[] {
  const nodes = [...walk(expr)];
  const formats = FORMATS.flatMap(([name, read]) => nodes.flatMap((node) => formatIssue(node, name, read)));
  const lists = nodes.flatMap((node) => (node.kind === 'list' ? listIssues(node, types) : []));
  const maps = nodes.flatMap((node) => (node.kind === 'map' ? mapIssues(node, types) : []));
  return [...formats, ...lists, ...maps];
}

function formatIssue(node: Expr, name: string, read: (value: Value) => unknown): Issue[] {
  const argument = node.kind === 'call' && node.name === name ? node.args[0] : undefined;
  if (argument?.kind !== 'literal') return [];
  try {
    read(argument.value as Value);
    return [];
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return [{ offset: argument.offset, message: `invalid ${name} argument` }];
  }
}

function listIssues(list: Expr & { kind: 'list' }, types: ReadonlyMap<Expr, Type>): Issue[] {
  let first: Type | undefined;
  for (const [i, element] of list.elements.entries()) {
    const type = initializerType(types.get(element)!, list.optional.has(i));
    first ??= type;
    if (!sameType(first, type)) return [mismatch(element, first, type)];
  }
  return [];
}

function mapIssues(map: Expr & { kind: 'map' }, types: ReadonlyMap<Expr, Type>): Issue[] {
  const [first] = map.entries;
  if (!first) return [];
  const keyType = types.get(first.key)!;
  const valueType = initializerType(types.get(first.value)!, first.optional);
  return map.entries.flatMap((entry) => {
    const [key, value] = [types.get(entry.key)!, initializerType(types.get(entry.value)!, entry.optional)];
    return [
      ...(sameType(keyType, key) ? [] : [mismatch(entry.key, keyType, key)]),
      ...(sameType(valueType, value) ? [] : [mismatch(entry.value, valueType, value)]),
    ];
  });
}

function initializerType(type: Type, optional: boolean): Type {
  return optional ? (unwrapOptional(type) ?? type) : type;
}

function mismatch(expr: Expr, expected: Type, actual: Type): Issue {
  return { offset: expr.offset, message: `expected type '${formatType(expected)}' but found '${formatType(actual)}'` };
}
