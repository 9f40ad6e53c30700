/** Optional values (cel-go cel/library.go OptionalTypes). */
import type { Declarations } from '../environment.ts';
import { failure, noSuchOverload } from '../eval/errors.ts';
import { ArrayList, type ListValue, OptionalValue, sizeOf, type Value } from '../eval/values.ts';
import { isZero } from '../eval/zero.ts';
import { type Expr, OP } from '../syntax/ast.ts';
import { type Macro, MacroError, repeated, type TreeBuilder } from '../syntax/macro.ts';
import {
  BoolType,
  DynType,
  IntType,
  listType,
  mapType,
  opaqueType,
  optionalType,
  StringType,
  typeParam,
} from '../types/type.ts';
import { fn, member, overload } from './declare.ts';

const K = typeParam('K');
const V = typeParam('V');
const OptionalV = optionalType(V);
const ListV = listType(V);
const MapKV = mapType(K, V);

const unevaluated = () => {
  throw noSuchOverload();
};

function unwrap(list: ListValue): Value {
  const items: Value[] = [];
  for (const item of list) {
    if (!(item instanceof OptionalValue)) throw failure(`value ${item} is not optional`);
    if (item.value !== undefined) items.push(item.value);
  }
  return new ArrayList(items);
}

function at(list: ListValue, index: number): Value {
  return list.size === 0 ? OptionalValue.NONE : new OptionalValue(list.get(index));
}

/** `value.optMap(name, expression)`: the expression with the name bound to what the optional holds. */
function mapping(name: string, finish: (build: TreeBuilder, mapped: Expr) => Expr): Macro {
  return {
    name,
    args: 2,
    member: true,
    expand(build, [variable, mapped], target) {
      if (variable!.kind !== 'ident')
        throw new MacroError(`${name}() variable name must be a simple identifier`, variable);
      const bound = variable!.name;
      const result = build.fold({
        range: build.list(),
        variable: '#unused',
        accumulator: bound,
        init: build.memberCall(repeated(target!), 'value'),
        condition: build.literal(false),
        step: build.ident(bound),
        result: mapped!,
      });
      const present = build.memberCall(target!, 'hasValue');
      return build.call(OP.conditional, present, finish(build, result), build.call('optional.none'));
    },
  };
}

export const OPTIONAL: Declarations = {
  types: { optional_type: opaqueType('optional_type') },
  macros: [
    mapping('optMap', (build, mapped) => build.call('optional.of', mapped)),
    mapping('optFlatMap', (_, mapped) => mapped),
  ],
  functions: [
    fn('optional.of', [overload('optional_of', [V], OptionalV, (value: Value) => new OptionalValue(value))]),
    fn('optional.ofNonZeroValue', [
      overload('optional_ofNonZeroValue', [V], OptionalV, (value: Value) =>
        isZero(value) ? OptionalValue.NONE : new OptionalValue(value),
      ),
    ]),
    fn('optional.none', [overload('optional_none', [], OptionalV, () => OptionalValue.NONE)]),
    fn('value', [
      member('optional_value', [OptionalV], V, (optional: OptionalValue) => {
        if (optional.value === undefined) throw failure('optional.none() dereference');
        return optional.value;
      }),
    ]),
    fn('hasValue', [
      member('optional_hasValue', [OptionalV], BoolType, (optional: OptionalValue) => optional.value !== undefined),
    ]),
    fn('or', [member('optional_or_optional', [OptionalV, OptionalV], OptionalV, unevaluated)]),
    fn('orValue', [member('optional_orValue_value', [OptionalV, V], V, unevaluated)]),
    fn(OP.optionalSelect, [overload('select_optional_field', [DynType, StringType], OptionalV, unevaluated)]),
    fn(OP.optionalIndex, [
      overload('list_optindex_optional_int', [ListV, IntType], OptionalV, unevaluated),
      overload('optional_list_optindex_optional_int', [optionalType(ListV), IntType], OptionalV, unevaluated),
      overload('map_optindex_optional_value', [MapKV, K], OptionalV, unevaluated),
      overload('optional_map_optindex_optional_value', [optionalType(MapKV), K], OptionalV, unevaluated),
    ]),
    fn(OP.index, [
      overload('optional_list_index_int', [optionalType(ListV), IntType], OptionalV, unevaluated),
      overload('optional_map_index_value', [optionalType(MapKV), K], OptionalV, unevaluated),
    ]),
    fn('last', [member('list_last', [ListV], OptionalV, (list: ListValue) => at(list, sizeOf(list)! - 1))]),
    fn('first', [member('list_first', [ListV], OptionalV, (list: ListValue) => at(list, 0))]),
    fn('optional.unwrap', [overload('optional_unwrap', [listType(OptionalV)], ListV, unwrap)]),
    fn('unwrapOpt', [member('optional_unwrapOpt', [listType(OptionalV)], ListV, unwrap)]),
  ],
};
