/** Small changes to objects, guided by their types: what people get wrong, and what nobody would think of. */
import type { Field, StructType, Type } from '@keelson/api/schema';
import fc from 'fast-check';
import { anyOf, type Values } from './values.ts';

type Key = string | number;
type Container = Record<Key, unknown>;

/** One change; a list of them makes a mutant. They are data, so that a mutant can be kept and sent again. */
export type Mutation =
  | { readonly op: 'set'; readonly path: readonly Key[]; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: readonly Key[] }
  /** The element of a list comes once more, behind it. */
  | { readonly op: 'repeat'; readonly path: readonly Key[] }
  /** The key of a map becomes another. */
  | { readonly op: 'rename'; readonly path: readonly Key[]; readonly to: string };

/** A place in an object: what is there, or may be. */
interface Place {
  readonly path: readonly Key[];
  readonly type: Type;
  /** The name of the field that the value belongs to, for values that others have there. */
  readonly field: string;
  readonly present: boolean;
  readonly parent: 'struct' | 'list' | 'map';
}

/** The object with the changes made; what does not fit any more is left out. */
export function mutated(object: object, mutations: readonly Mutation[]): object {
  const copy = structuredClone(object);
  for (const mutation of mutations) apply(copy as Container, mutation);
  return copy;
}

function apply(root: Container, mutation: Mutation): void {
  const last = mutation.path.at(-1)!;
  let parent: unknown = root;
  for (const key of mutation.path.slice(0, -1)) parent = isContainer(parent) ? parent[key] : undefined;
  if (!isContainer(parent)) return;
  switch (mutation.op) {
    case 'set':
      parent[last] = structuredClone(mutation.value);
      return;
    case 'remove':
      if (Array.isArray(parent)) parent.splice(Number(last), 1);
      else delete parent[last];
      return;
    case 'repeat':
      if (Array.isArray(parent)) parent.splice(Number(last), 0, structuredClone(parent[Number(last)]));
      return;
    case 'rename': {
      const value = parent[last];
      delete parent[last];
      parent[mutation.to] = value;
    }
  }
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

/**
 * One to three changes to an object.
 * @param below changes nothing outside of this field, e.g. `status`, or nothing in it: `!metadata`
 */
export function mutations(
  object: object,
  type: StructType,
  values: Values,
  below?: string,
): fc.Arbitrary<Mutation[]> | undefined {
  const places = placesIn(object, type, []).filter(
    ({ path }) => below === undefined || (path[0] === below.replace('!', '')) !== below.startsWith('!'),
  );
  if (places.length === 0) return undefined;
  const one = fc.constantFrom(...places).chain((place) => mutationOf(place, values));
  return fc.oneof(
    { weight: 6, arbitrary: fc.array(one, { minLength: 1, maxLength: 1 }) },
    { weight: 3, arbitrary: fc.array(one, { minLength: 2, maxLength: 3 }) },
  );
}

const UNTOUCHED: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'managedFields', 'selfLink']);

function placesIn(value: unknown, type: Type, path: readonly Key[], field = ''): Place[] {
  if (value === null || value === undefined) return [];
  switch (type.kind) {
    case 'struct':
      return type.jsonFields
        .filter(({ json }) => path.length > 1 || !UNTOUCHED.has(json))
        .flatMap((f) => inStruct(value as Container, f, path));
    case 'list':
      return (value as unknown[]).flatMap((element, i) => [
        { path: [...path, i], type: type.element, field, present: true, parent: 'list' as const },
        ...placesIn(element, type.element, [...path, i], field),
      ]);
    case 'map':
      return Object.entries(value).flatMap(([key, element]) => [
        { path: [...path, key], type: type.value, field, present: true, parent: 'map' as const },
        ...placesIn(element, type.value, [...path, key], field),
      ]);
    default:
      return [];
  }
}

function inStruct(struct: Container, field: Field, path: readonly Key[]): Place[] {
  const value = struct[field.json];
  const place = { path: [...path, field.json], type: field.type, field: field.json, parent: 'struct' as const };
  return [{ ...place, present: value !== undefined }, ...placesIn(value, field.type, place.path, field.json)];
}

function mutationOf(place: Place, values: Values): fc.Arbitrary<Mutation> {
  const { path, type, field } = place;
  const set = anyOf(type, field, values).map((value): Mutation => ({ op: 'set', path, value }));
  if (!place.present) return set;
  const remove = fc.constant<Mutation>({ op: 'remove', path });
  const choices = [
    { weight: 5, arbitrary: set },
    { weight: 2, arbitrary: remove },
  ];
  if (place.parent === 'list') choices.push({ weight: 3, arbitrary: fc.constant<Mutation>({ op: 'repeat', path }) });
  if (place.parent === 'map')
    choices.push({ weight: 3, arbitrary: values.keys(field).map((to): Mutation => ({ op: 'rename', path, to })) });
  if (type.kind === 'list' || type.kind === 'map' || type.kind === 'struct') {
    const empty = type.kind === 'list' ? [] : {};
    choices.push({ weight: 2, arbitrary: fc.constantFrom<Mutation>({ op: 'set', path, value: empty }) });
    choices.push({ weight: 1, arbitrary: fc.constantFrom<Mutation>({ op: 'set', path, value: null }) });
  }
  if (type.kind === 'list')
    choices.push({
      weight: 3,
      arbitrary: anyOf(type.element, field, values).map(
        (value): Mutation => ({ op: 'set', path: [...path, 0], value }),
      ),
    });
  if (type.kind === 'map')
    choices.push({
      weight: 3,
      arbitrary: fc
        .tuple(values.keys(field), anyOf(type.value, field, values))
        .map(([key, value]): Mutation => ({ op: 'set', path: [...path, key], value })),
    });
  return fc.oneof(...choices);
}
