/** What calls did cost (cel-go interpreter/runtimecost.go). */
import { PATTERN, TRAVERSAL } from '../cost/range.ts';
import { OptionalValue, sizeOf, type Value } from './values.ts';

/** The size of a value that has one; 1 for others. */
export function actualSize(value: Value): number {
  if (typeof value === 'string' || typeof value === 'object') {
    const size = value === null ? undefined : sizeOf(value);
    if (size !== undefined) return size;
    if (value instanceof OptionalValue && value.value !== undefined) return actualSize(value.value);
  }
  return 1;
}

/** Of going through a text once. */
export function traversal(value: Value, times = 1): number {
  return Math.ceil(actualSize(value) * TRAVERSAL * times);
}

/** Of applying a pattern to a text; one that is empty costs too. */
export function matching(text: Value, patternSize: number): number {
  return Math.ceil((1 + actualSize(text)) * TRAVERSAL) * Math.ceil(patternSize * PATTERN);
}

/** Of comparing two values. */
export function comparing(a: Value, b: Value): number {
  return Math.ceil(Math.min(actualSize(a), actualSize(b)) * TRAVERSAL);
}

/** Of a call of a standard function; others cost 1. */
export function standardCost(overload: string, args: readonly Value[]): number {
  const [first = null, second = null] = args;
  switch (overload) {
    case 'starts_with_string':
    case 'ends_with_string':
    case 'string_to_bytes':
    case 'bytes_to_string':
    case 'strings_quote':
    case 'string_format':
      return traversal(first);
    case 'in_list':
      return actualSize(second);
    case 'add_string':
    case 'add_bytes':
      return Math.ceil((actualSize(first) + actualSize(second)) * TRAVERSAL);
    case 'matches_string':
      return matching(first, actualSize(second));
    case 'contains_string':
      return traversal(first) * traversal(second);
    default:
      return COMPARISONS.has(overload) ? comparing(first, second) : 1;
  }
}

const COMPARISONS = new Set([
  'equals',
  'not_equals',
  ...['less', 'greater', 'less_equals', 'greater_equals'].flatMap((name) => [`${name}_string`, `${name}_bytes`]),
]);
