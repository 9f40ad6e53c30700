/** Whether literals are what they are used as: durations, times, patterns; lists and maps of one type (cel-go cel/validator.go). */
import { toDuration, toTimestamp } from '../eval/convert.ts';
import { EvaluationError } from '../eval/errors.ts';
import { type Clause, parseFormat, refusal } from '../eval/format.ts';
import { compilePattern } from '../eval/pattern.ts';
import type { Value } from '../eval/values.ts';
import { children, type Expr, walk } from '../syntax/ast.ts';
import type { Issue } from '../syntax/source.ts';
import { formatType, isDyn, sameType, type Type, unwrapOptional } from '../types/type.ts';
import type { Checked } from './checker.ts';

const FORMATS: readonly (readonly [string, (value: Value) => unknown])[] = [
  ['duration', toDuration],
  ['timestamp', toTimestamp],
  ['matches', (value) => compilePattern(value as string)],
];

export function literalIssues({ expr, types }: Checked): Issue[] {
  const nodes = [...walk(expr)];
  const formats = FORMATS.flatMap(([name, read]) => nodes.flatMap((node) => formatIssue(node, name, read)));
  const exempt = new Set(
    nodes.filter((node) => node.kind === 'call' && node.name === 'format').flatMap((node) => [...walk(node)]),
  );
  const lists = nodes.flatMap((node) => (node.kind === 'list' && !exempt.has(node) ? listIssues(node, types) : []));
  const maps = nodes.flatMap((node) => (node.kind === 'map' && !exempt.has(node) ? mapIssues(node, types) : []));
  return [...formats, ...lists, ...maps, ...nodes.flatMap((node) => formatCallIssues(node, types))];
}

/** `'…'.format([…])` with a literal format and a literal list: whether they fit each other. */
function formatCallIssues(call: Expr, types: ReadonlyMap<Expr, Type>): Issue[] {
  if (call.kind !== 'call' || call.name !== 'format' || call.target?.kind !== 'literal') return [];
  const [list] = call.args;
  if (typeof call.target.value !== 'string' || list?.kind !== 'list') return [];
  const { elements } = list;
  try {
    let used = 0;
    for (const part of parseFormat(call.target.value, elements.length)) {
      if (typeof part === 'string') continue;
      const refused = refusedWithin(part, elements[used++]!, types);
      if (refused) return [refused];
    }
    if (elements.length <= used) return [];
    const counts = `(expected ${used}, got ${elements.length})`;
    return [{ offset: call.offset, message: `too many arguments supplied to string.format ${counts}` }];
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return [{ offset: call.offset, message: error.message }];
  }
}

/** An argument that a clause does not take; of `%s`, also one within a literal. */
function refusedWithin(clause: Clause, argument: Expr, types: ReadonlyMap<Expr, Type>): Issue | undefined {
  const type = types.get(argument)!;
  const refused = isDyn(type) ? undefined : refusal(clause, type);
  if (refused !== undefined) return { offset: argument.offset, message: `error during formatting: ${refused}` };
  if (clause.verb !== 's' || (argument.kind !== 'list' && argument.kind !== 'map')) return undefined;
  for (const child of children(argument)) {
    const issue = refusedWithin(clause, child, types);
    if (issue) return issue;
  }
  return undefined;
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
