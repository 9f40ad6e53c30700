/** Functions of lists and sets (k8s.io/apiserver/pkg/cel/library/lists.go; cel-go ext/lists.go version 3, ext/sets.go). */
import { exactly, plus, scaled, TRAVERSAL, times, UNBOUNDED, wrapped } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { actualSize } from '../eval/cost.ts';
import { compare, equals, isOrdered } from '../eval/equality.ts';
import { EvaluationError, failure, noSuchOverload } from '../eval/errors.ts';
import { checkItems, STEPS_OF_ELEMENT, work } from '../eval/limits.ts';
import { add } from '../eval/operators.ts';
import { Duration } from '../eval/time.ts';
import { ArrayList, isList, type ListValue, typeOf, Uint, type Value } from '../eval/values.ts';
import type { FunctionCost } from '../functions.ts';
import { copy, type Expr } from '../syntax/ast.ts';
import { type Macro, MacroError, STANDARD_MACROS } from '../syntax/macro.ts';
import {
  BoolType,
  BytesType,
  DoubleType,
  DurationType,
  DynType,
  describeType,
  IntType,
  listType,
  StringType,
  sameType,
  TimestampType,
  type Type,
  UintType,
} from '../types/type.ts';
import { listCallCost, listCallEstimate, literalLength, searchCost, selfCompareCost } from './costs.ts';
import { A, fn, ListOfA, member, overload } from './declare.ts';

const SUMMABLE: readonly (readonly [string, Type, Value])[] = [
  ['int', IntType, 0n],
  ['uint', UintType, new Uint(0n)],
  ['double', DoubleType, 0],
  ['duration', DurationType, new Duration(0n)],
];
const COMPARABLE: readonly (readonly [string, Type])[] = [
  ['int', IntType],
  ['uint', UintType],
  ['double', DoubleType],
  ['bool', BoolType],
  ['duration', DurationType],
  ['timestamp', TimestampType],
  ['string', StringType],
  ['bytes', BytesType],
];

function isSorted(list: ListValue): boolean {
  let before: Value | undefined;
  for (const item of list) {
    if (!isOrdered(item)) throw noSuchOverload();
    if (before !== undefined && order(before, item) > 0) return false;
    before = item;
  }
  return true;
}

/** Values without an order between them, NaN among them, are taken for equal. */
function order(a: Value, b: Value): number {
  try {
    return compare(a, b);
  } catch (error) {
    if (error instanceof EvaluationError) return 0;
    throw error;
  }
}

/** The element that none comes before, by an order. */
function extreme(name: string, sign: number) {
  return (list: ListValue): Value => {
    let best: Value | undefined;
    for (const item of list) {
      if (!isOrdered(item)) throw noSuchOverload();
      if (best === undefined || order(best, item) * sign > 0) best = item;
    }
    if (best === undefined) throw failure(`${name} called on empty list`);
    return best;
  };
}

function indexOf(list: ListValue, item: Value): bigint {
  for (let i = 0; i < list.size; i++) if (equals(list.get(i), item)) return BigInt(i);
  return -1n;
}

function lastIndexOf(list: ListValue, item: Value): bigint {
  for (let i = list.size - 1; i >= 0; i--) if (equals(list.get(i), item)) return BigInt(i);
  return -1n;
}

function slice(list: ListValue, start: bigint, end: bigint): Value {
  const call = `cannot slice(${start}, ${end})`;
  if (start < 0n || end < 0n) throw failure(`${call}, negative indexes not supported`);
  if (start > end) throw failure(`${call}, start index must be less than or equal to end index`);
  if (end > list.size) throw failure(`${call}, list is length ${list.size}`);
  return new ArrayList(Array.from({ length: Number(end - start) }, (_, i) => list.get(Number(start) + i)));
}

function reverse(list: ListValue): Value {
  work(list.size * STEPS_OF_ELEMENT);
  return new ArrayList([...list].reverse());
}

/** Looks at its arguments itself: a list that is known to be one of lists alone may hold others. */
function flatten(...[list = null, ...given]: readonly Value[]): Value {
  const [depth = 1n] = given;
  if (!isList(list) || typeof depth !== 'bigint') {
    const [target, level = ''] = [list, ...given].map((value) => describeType(typeOf(value)));
    throw failure(`no such overload: ${target}.flatten(${level})`);
  }
  if (depth < 0n) throw failure('level must be non-negative');
  const items: Value[] = [];
  const append = (from: ListValue, levels: bigint) => {
    checkItems(items.length + from.size);
    work(from.size * STEPS_OF_ELEMENT);
    for (const item of from) {
      if (isList(item) && levels > 0n) append(item, levels - 1n);
      else items.push(item);
    }
  };
  append(list, depth);
  return new ArrayList(items);
}

const STEPS_OF_COMPARISON = 4;

function sortBy(list: ListValue, keys: ListValue): Value {
  if (list.size !== keys.size) {
    const sizes = `${list.size} and ${keys.size} elements respectively`;
    throw failure(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${sizes}`,
    );
  }
  if (list.size === 0) return list;
  if (!isOrdered(keys.get(0))) throw failure('list elements must be comparable');
  work(list.size * Math.log2(list.size) * STEPS_OF_COMPARISON);
  const type = typeOf(keys.get(0));
  const pairs = [...keys].map((key, i) => {
    if (!sameType(typeOf(key), type)) throw failure('list elements must have the same type');
    return { key, item: list.get(i) };
  });
  pairs.sort((a, b) => order(a.key, b.key));
  return new ArrayList(pairs.map((pair) => pair.item));
}

function distinct(list: ListValue): Value {
  const unique: Value[] = [];
  for (const item of list) if (!unique.some((other) => equals(item, other))) unique.push(item);
  return new ArrayList(unique);
}

/** 0 up to n, made as they are read: n can be any number. */
class Range implements ListValue {
  readonly list = true;
  readonly size: number;

  constructor(n: bigint) {
    this.size = n > 0n ? Number(n) : 0;
  }
  get(index: number): Value {
    return BigInt(index);
  }
  *[Symbol.iterator](): Iterator<Value> {
    for (let i = 0; i < this.size; i++) yield BigInt(i);
  }
}

function contains(list: ListValue, part: ListValue): boolean {
  for (const item of part) if (indexOf(list, item) < 0n) return false;
  return true;
}

/** These rules hold for calls whose overload is known before; for others the standard rule does. */
function whenKnown(rule: (args: readonly Value[]) => number): NonNullable<FunctionCost['actual']> {
  return (args, id) => (id === '' ? undefined : rule(args));
}

const outputCost: FunctionCost['ofResult'] = (result, id) =>
  id === '' ? undefined : listCallCost(1, actualSize(result));

const sortCost = (sorted: 'target' | 'argument'): FunctionCost => ({
  estimate({ overload: id, target, args }) {
    const list = sorted === 'target' ? target : args[0];
    if (!list) return undefined;
    const isText = /^list_(?:string|bytes)_/.test(id);
    return listCallEstimate(2 + (isText ? TRAVERSAL : 0), times(list.size, list.size));
  },
  actual: whenKnown((args) => selfCompareCost(args[sorted === 'target' ? 0 : 1]!)),
});

const setCost = (factor: number): FunctionCost => ({
  estimate({ args: [a, b] }) {
    if (!a || !b) return undefined;
    return { cost: plus(scaled(times(a.size, b.size), factor), exactly(1)) };
  },
  actual: whenKnown(([a = null, b = null]) => 1 + Math.floor(actualSize(a) * actualSize(b) * factor)),
});

const SORT_INPUT = '@__sortBy_input__';
const mapMacro = STANDARD_MACROS.find((macro) => macro.name === 'map' && macro.args === 2)!;

/** `list.sortBy(x, key)`: the list is bound to a name, so that it is evaluated once. */
const sortByMacro: Macro = {
  name: 'sortBy',
  args: 2,
  member: true,
  expand(build, args, target) {
    if (target!.kind === 'literal' || target!.kind === 'map' || target!.kind === 'struct') {
      const wanted = 'sortBy can only be applied to a list, identifier, comprehension, call or select expression';
      throw new MacroError(wanted, target);
    }
    const input: Expr = build.ident(SORT_INPUT);
    const keys = mapMacro.expand(build, args, copy(input))!;
    return build.fold({
      range: build.list(),
      variable: '#unused',
      accumulator: SORT_INPUT,
      init: target!,
      condition: build.literal(false),
      step: input,
      result: build.memberCall(copy(input), '@sortByAssociatedKeys', keys),
    });
  },
};

export const LISTS: Declarations = {
  macros: [sortByMacro],
  functions: [
    fn(
      'isSorted',
      COMPARABLE.map(([name, type]) => member(`list_${name}_is_sorted_bool`, [listType(type)], BoolType, isSorted)),
      { cost: searchCost },
    ),
    fn(
      'sum',
      SUMMABLE.map(([name, type, zero]) =>
        member(`list_${name}_sum_${name}`, [listType(type)], type, (list: ListValue) => [...list].reduce(add, zero)),
      ),
      { cost: searchCost },
    ),
    fn(
      'max',
      COMPARABLE.map(([name, type]) => member(`list_${name}_max_${name}`, [listType(type)], type, extreme('max', -1))),
      { cost: searchCost },
    ),
    fn(
      'min',
      COMPARABLE.map(([name, type]) => member(`list_${name}_min_${name}`, [listType(type)], type, extreme('min', 1))),
      { cost: searchCost },
    ),
    fn('indexOf', [member('list_a_index_of_int', [ListOfA, A], IntType, indexOf)], { cost: searchCost }),
    fn('lastIndexOf', [member('list_a_last_index_of_int', [ListOfA, A], IntType, lastIndexOf)], { cost: searchCost }),
    fn('slice', [member('list_slice', [ListOfA, IntType, IntType], ListOfA, slice)], {
      cost: {
        estimate({ target, args: [start, end] }) {
          if (!target) return undefined;
          const size = literalLength(end?.literal, target.size.max) - literalLength(start?.literal, 0);
          return listCallEstimate(1, exactly(wrapped(size)));
        },
        ofResult: outputCost,
      },
    }),
    fn(
      'flatten',
      [
        member('list_flatten', [listType(ListOfA)], ListOfA, flatten),
        member('list_flatten_int', [listType(DynType), IntType], listType(DynType), flatten),
      ],
      {
        cost: {
          estimate({ target, args: [depth] }) {
            return target && listCallEstimate(depth ? literalLength(depth.literal, UNBOUNDED) : 1, target.size);
          },
          // Upstream takes off what a negative depth costs; then there would be no limit.
          actual: whenKnown(([list = null, depth = 1n]) => {
            return listCallCost(typeof depth === 'bigint' && depth >= 0n ? Number(depth) : 0, actualSize(list));
          }),
        },
        unguarded: true,
      },
    ),
    fn(
      'sort',
      COMPARABLE.map(([, type]) =>
        member(`list_${sortName(type)}_sort`, [listType(type)], listType(type), (list: ListValue) =>
          sortBy(list, list),
        ),
      ),
      { cost: sortCost('target'), mismatch: 'name' },
    ),
    fn(
      '@sortByAssociatedKeys',
      COMPARABLE.map(([, type]) =>
        member(`list_${sortName(type)}_sortByAssociatedKeys`, [ListOfA, listType(type)], ListOfA, sortBy),
      ),
      { cost: sortCost('argument'), mismatch: 'name' },
    ),
    fn('lists.range', [overload('lists_range', [IntType], listType(IntType), (n: bigint) => new Range(n))], {
      cost: {
        estimate: ({ args: [n] }) => listCallEstimate(1, exactly(literalLength(n?.literal, UNBOUNDED))),
        ofResult: outputCost,
      },
    }),
    fn('reverse', [member('list_reverse', [ListOfA], ListOfA, reverse)], {
      cost: { estimate: ({ target }) => target && listCallEstimate(1, target.size), ofResult: outputCost },
    }),
    fn('distinct', [member('list_distinct', [ListOfA], ListOfA, distinct)], {
      cost: {
        estimate: ({ target }) => target && listCallEstimate(2, times(target.size, target.size)),
        actual: whenKnown(([list = null]) => selfCompareCost(list)),
      },
    }),
    fn('sets.contains', [overload('list_sets_contains_list', [ListOfA, ListOfA], BoolType, contains)], {
      cost: setCost(1),
    }),
    fn(
      'sets.equivalent',
      [
        overload(
          'list_sets_equivalent_list',
          [ListOfA, ListOfA],
          BoolType,
          (a: ListValue, b: ListValue) => contains(a, b) && contains(b, a),
        ),
      ],
      { cost: setCost(2) },
    ),
    fn(
      'sets.intersects',
      [
        overload('list_sets_intersects_list', [ListOfA, ListOfA], BoolType, (a: ListValue, b: ListValue) =>
          [...a].some((item) => indexOf(b, item) >= 0n),
        ),
      ],
      { cost: setCost(1) },
    ),
  ],
};

function sortName(type: Type): string {
  return type.kind === 'duration' || type.kind === 'timestamp' ? `google.protobuf.${type.kind}` : type.kind;
}
