/**
 * Empty lists and maps that would be written are null once an object has been stored: protobuf, in which kube-apiserver
 * stores, can't tell them from absent ones, and clients see the difference (`rules: []` comes back as `rules: null`).
 */
import type { Field, StructType, Type } from '../schema.ts';

type Walk = (value: unknown) => void;

const walks = new WeakMap<StructType, Walk | null>();

/** Changes the object in place. */
export function emptiesToNull(object: object, type: StructType): void {
  walkOf(type)?.(object);
}

/** Undefined for types below which there is nothing to do. */
function walkOf(type: StructType): Walk | undefined {
  const known = walks.get(type);
  if (known !== undefined) return known ?? undefined;
  // While a type that contains itself is looked at, it counts as one with something to do.
  let built: Walk | undefined;
  walks.set(type, (value) => built?.(value));
  const steps = type.jsonFields.flatMap(stepOf);
  if (steps.length === 0) {
    walks.set(type, null);
    return undefined;
  }
  built = (value) => {
    const object = value as Record<string, unknown>;
    for (const step of steps) step(object);
  };
  walks.set(type, built);
  return built;
}

function stepOf(field: Field): ((object: Record<string, unknown>) => void)[] {
  const inner = innerWalk(field.type);
  const clears = !field.omitEmpty && !field.pointer && (field.type.kind === 'list' || field.type.kind === 'map');
  if (!inner && !clears) return [];
  return [
    (object) => {
      const value = object[field.json];
      if (value === undefined || value === null) return;
      if (clears && isEmpty(value)) object[field.json] = null;
      else inner?.(value);
    },
  ];
}

function innerWalk(type: Type): Walk | undefined {
  if (type.kind === 'struct') return walkOf(type);
  if (type.kind === 'list') {
    const element = innerWalk(type.element);
    return element && ((value) => each(value as unknown[], element));
  }
  if (type.kind === 'map') {
    const element = innerWalk(type.value);
    return element && ((value) => each(Object.values(value as object), element));
  }
  return undefined;
}

function each(values: readonly unknown[], walk: Walk): void {
  for (const value of values) if (value !== null) walk(value);
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value as object) return false;
  return true;
}
