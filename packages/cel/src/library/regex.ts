/** Patterns (k8s.io/apiserver/pkg/cel/library/regex.go). */
import { exactly, PATTERN, plus, scaled, TRAVERSAL, times } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { actualSize, matching } from '../eval/cost.ts';
import { EvaluationError, failure } from '../eval/errors.ts';
import { work } from '../eval/limits.ts';
import { compilePattern, matcherOf } from '../eval/pattern.ts';
import { ArrayList, type Value } from '../eval/values.ts';
import type { FunctionCost } from '../functions.ts';
import { IntType, listType, StringType } from '../types/type.ts';
import { fn, member } from './declare.ts';

function compiled(pattern: string) {
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (error instanceof EvaluationError) throw failure(`Illegal regex: ${error.message}`);
    throw error;
  }
}

function find(text: string, pattern: string): string {
  const matcher = matcherOf(compiled(pattern), text);
  return matcher.find() ? (matcher.group() ?? '') : '';
}

const STEPS_OF_MATCH = 30;

function findAll(text: string, pattern: string, limit = -1n): Value {
  const matcher = matcherOf(compiled(pattern), text);
  const found: string[] = [];
  let end = -1;
  while ((limit < 0n || found.length < limit) && matcher.find()) {
    const isEmpty = matcher.start() === matcher.end();
    // Nothing is not found where something has just ended.
    work(STEPS_OF_MATCH);
    if (!isEmpty || matcher.start() !== end) found.push(matcher.group() ?? '');
    end = matcher.end();
  }
  return new ArrayList(found);
}

const findCost: FunctionCost = {
  estimate({ target, args: [pattern] }) {
    if (!target || !pattern) return undefined;
    const text = scaled(plus(target.size, exactly(1)), TRAVERSAL);
    return { cost: times(text, scaled(pattern.size, PATTERN)), size: { min: 0, max: target.size.max } };
  },
  actual: ([text = null, pattern = null]) => matching(text, actualSize(pattern)),
};

export const REGEX: Declarations = {
  functions: [
    fn('find', [member('string_find_string', [StringType, StringType], StringType, find)], { cost: findCost }),
    fn(
      'findAll',
      [
        member('string_find_all_string', [StringType, StringType], listType(StringType), findAll),
        member('string_find_all_string_int', [StringType, StringType, IntType], listType(StringType), findAll),
      ],
      { cost: findCost },
    ),
  ],
};
