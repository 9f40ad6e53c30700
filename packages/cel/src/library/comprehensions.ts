/** Macros with two variables, and `cel.bind` (cel-go ext/comprehensions.go, ext/bindings.go). */
import type { Declarations } from '../environment.ts';
import { failure } from '../eval/errors.ts';
import { GrowingMap } from '../eval/operators.ts';
import { type MapValue, type Value, ValueMap } from '../eval/values.ts';
import { type Expr, OP } from '../syntax/ast.ts';
import { type Macro, MacroError, QUANTIFIERS, type TreeBuilder, variableName } from '../syntax/macro.ts';
import { A, B, fn, MapOfAB, overload } from './declare.ts';

const INSERT = 'cel.@mapInsert';

function variables(first: Expr, second: Expr): { variable: string; variable2: string } {
  const message = 'argument must be a simple name';
  for (const expr of [first, second]) if (expr.kind !== 'ident') throw new MacroError(message, expr);
  const [variable, variable2] = [(first as { name: string }).name, (second as { name: string }).name];
  if (variable === variable2) throw new MacroError(`duplicate variable name: ${variable}`, second);
  variableName(first, message);
  variableName(second, message);
  return { variable, variable2 };
}

function quantifier(name: string, parts: keyof typeof QUANTIFIERS): Macro {
  return {
    name,
    args: 3,
    member: true,
    expand(build, [first, second, predicate], range) {
      const names = variables(first!, second!);
      return build.fold({ range: range!, ...names, ...QUANTIFIERS[parts](build, predicate!) });
    },
  };
}

/** `transform(i, v, expression)` and `transform(i, v, filter, expression)`. */
function transform(
  name: string,
  init: (build: TreeBuilder) => Expr,
  insert: (build: TreeBuilder, variable: string, element: Expr) => Expr,
): Macro[] {
  const macro = (args: number): Macro => ({
    name,
    args,
    member: true,
    expand(build, given, range) {
      const names = variables(given[0]!, given[1]!);
      const inserted = insert(build, names.variable, given.at(-1)!);
      const step = args === 4 ? build.call(OP.conditional, given[2]!, inserted, build.accumulator()) : inserted;
      return build.fold({ range: range!, ...names, init: init(build), step });
    },
  });
  return [macro(3), macro(4)];
}

function insert(map: MapValue, key: Value, value: Value): MapValue {
  if (map.find(key) !== undefined) throw failure(`insert failed: key ${key} already exists`);
  const grown = map instanceof GrowingMap ? map : new ValueMap(entriesOf(map));
  grown.set(key, value);
  return grown;
}

function entriesOf(map: MapValue): [Value, Value][] {
  return [...map.keys()].map((key) => [key, map.find(key)!]);
}

function insertAll(map: MapValue, added: MapValue): MapValue {
  return entriesOf(added).reduce((grown, [key, value]) => insert(grown, key, value), map);
}

export const COMPREHENSIONS: Declarations = {
  macros: [
    quantifier('all', 'all'),
    quantifier('exists', 'exists'),
    quantifier('existsOne', 'existsOne'),
    quantifier('exists_one', 'existsOne'),
    ...transform(
      'transformList',
      (build) => build.list(),
      (build, _, element) => build.call(OP.add, build.accumulator(), build.list(element)),
    ),
    ...transform(
      'transformMap',
      (build) => build.map(),
      (build, variable, element) => build.call(INSERT, build.accumulator(), build.ident(variable), element),
    ),
    ...transform(
      'transformMapEntry',
      (build) => build.map(),
      (build, _, element) => build.call(INSERT, build.accumulator(), element),
    ),
  ],
  functions: [
    fn(INSERT, [
      overload('@mapInsert_map_key_value', [MapOfAB, A, B], MapOfAB, insert),
      overload('@mapInsert_map_map', [MapOfAB, MapOfAB], MapOfAB, insertAll),
    ]),
  ],
};

/** `cel.bind(name, value, expression)` */
export const BINDINGS: Declarations = {
  macros: [
    {
      name: 'bind',
      args: 3,
      member: true,
      expand(build, [variable, value, result], target) {
        if (target?.kind !== 'ident' || target.name !== 'cel') return undefined;
        if (variable!.kind !== 'ident') {
          throw new MacroError('cel.bind() variable names must be simple identifiers', variable);
        }
        return build.fold({
          range: build.list(),
          variable: '#unused',
          accumulator: variable!.name,
          init: value!,
          condition: build.literal(false),
          step: build.ident(variable!.name),
          result: result!,
        });
      },
    },
  ],
};
