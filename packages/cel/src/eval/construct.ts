/** Steps that make lists, maps and structs (cel-go interpreter: evalList, evalMap, evalObj). */
import { attempt } from './dispatch.ts';
import { EvaluationError, failure } from './errors.ts';
import type { Frame, Step } from './frame.ts';
import { ArrayList, OptionalValue, type Value, ValueMap } from './values.ts';

const LIST_COST = 10;
const MAP_COST = 30;
const STRUCT_COST = 40;

export interface MapEntry {
  readonly key: Step;
  readonly value: Step;
  /** Its value is an optional one, and there is no entry where that has none. */
  readonly optional: boolean;
}

export interface StructField {
  readonly name: string;
  readonly value: Step;
  readonly optional: boolean;
}

/** @param optional indices of elements that are there only where their value has one */
export function makeList(elements: readonly Step[], optional: ReadonlySet<number>): Step {
  return constructing((frame) => {
    const items: Value[] = [];
    for (const [i, element] of elements.entries()) {
      const value = element(frame);
      if (!optional.has(i)) items.push(value);
      else if (!(value instanceof OptionalValue)) {
        throw failure(`cannot initialize optional list element from non-optional value ${value}`);
      } else if (value.value !== undefined) items.push(value.value);
    }
    return new ArrayList(items);
  }, LIST_COST);
}

export function makeMap(entries: readonly MapEntry[]): Step {
  return constructing((frame) => mapOf(entries, frame), MAP_COST);
}

/** The map itself, at no cost: one of constants. @throws EvaluationError */
export function mapOf(entries: readonly MapEntry[], frame: Frame): ValueMap {
  const map = new ValueMap();
  for (const { key, value, optional } of entries) {
    const name = key(frame);
    const given = value(frame);
    const kept = optional ? unwrap(given, name) : given;
    if (name instanceof Uint8Array) throw failure('internal error: runtime error: hash of unhashable type types.Bytes');
    if (kept === undefined) map.delete(name);
    else map.set(name, kept);
  }
  return map;
}

/** @param construct makes the struct of its fields' values */
export function makeStruct(
  fields: readonly StructField[],
  construct: (values: ReadonlyMap<string, Value>) => Value,
): Step {
  return constructing((frame) => {
    const values = new Map<string, Value>();
    for (const { name, optional, value } of fields) {
      const given = value(frame);
      const kept = optional ? unwrap(given, name) : given;
      if (kept === undefined) values.delete(name);
      else values.set(name, kept);
    }
    return construct(values);
  }, STRUCT_COST);
}

/** What is constructed costs also where a part of it has no value. */
function constructing(build: Step, units: number): Step {
  return (frame) => {
    const value = attempt(build, frame);
    frame.charge(units);
    if (value instanceof EvaluationError) throw value;
    return value;
  };
}

function unwrap(value: Value, entry: Value): Value | undefined {
  if (value instanceof OptionalValue) return value.value;
  throw failure(`cannot initialize optional entry '${entry}' from non-optional value ${value}`);
}
