/** What calls of the standard functions cost that do not say so themselves (cel-go checker/cost.go functionCost). */
import {
  type CallEstimate,
  type CallShape,
  type CostRange,
  exactly,
  PATTERN,
  plus,
  scaled,
  TRAVERSAL,
  times,
  UNBOUNDED,
  wrapped,
} from './range.ts';

const ONE = exactly(1);
const COMPARISON = /^(?:equals|not_equals|(?:less|greater)(?:_equals)?_(?:string|bytes))$/;

/** The cost of a call with that of its arguments, and how long its result can be. @param argCosts without the target's */
export function standardCost({ overload, target, args }: CallShape, argCosts: readonly CostRange[]): CallEstimate {
  const sum = plus(...argCosts);
  const [first, second] = args.map((arg) => arg.size);
  const own = target?.size;
  switch (overload) {
    case 'string_format':
      return { cost: plus(scaled(own!, TRAVERSAL), sum) };
    case 'string_to_bytes':
      return {
        cost: plus(scaled(first!, TRAVERSAL), sum),
        size: { min: first!.min, max: Math.min(first!.max * 4, UNBOUNDED) },
      };
    case 'bytes_to_string':
      return {
        cost: plus(scaled(first!, TRAVERSAL), sum),
        size: { min: Math.floor(first!.min / 4), max: first!.max },
      };
    case 'strings_quote':
      return {
        cost: plus(scaled(first!, TRAVERSAL), sum),
        size: { min: first!.min + 2, max: wrapped(first!.max * 2 + 2) },
      };
    case 'starts_with_string':
    case 'ends_with_string':
      return { cost: plus(scaled(first!, TRAVERSAL), sum) };
    case 'in_list':
      return { cost: plus(second!, sum) };
    case 'matches_string': {
      if (!own) break;
      return { cost: plus(times(scaled(plus(own, ONE), TRAVERSAL), scaled(first!, PATTERN)), sum) };
    }
    case 'contains_string':
      return { cost: plus(times(scaled(own!, TRAVERSAL), scaled(first!, TRAVERSAL)), sum) };
    case 'logical_or':
    case 'logical_and':
      return { cost: { min: argCosts[0]!.min, max: sum.max } };
    case 'add_string':
    case 'add_bytes':
    case 'add_list': {
      const size = plus(first!, second!);
      return { cost: plus(overload === 'add_list' ? ONE : scaled(size, TRAVERSAL), sum), size };
    }
  }
  if (!COMPARISON.test(overload)) return { cost: plus(ONE, sum) };
  const max = Math.min(first!.max, second!.max);
  return { cost: plus(scaled({ min: max > 0 ? 1 : 0, max }, TRAVERSAL), sum) };
}
