/**
 * What apply has to know of a type: which of its parts are owned one by one, and how the items of its lists are told
 * apart. Built-in types have one made from their schema; custom resources make theirs from their structural schema.
 *
 * A value may be of several shapes (any value where no type is stated). Upstream: structured-merge-diff's schema.Atom, made
 * from OpenAPI by k8s.io/kube-openapi/pkg/schemaconv.
 */

import { compareStrings } from '../codec/go-order.ts';
import type { Field, ScalarName, StructType, Type } from '../schema.ts';
import { type Element, fieldElement, keyName } from './element.ts';

export interface ApplySchema {
  readonly scalar?: 'string' | 'numeric' | 'boolean' | 'untyped' | undefined;
  readonly list?: ApplyList | undefined;
  readonly map?: ApplyMap | undefined;
}

export interface ApplyList {
  readonly element: ApplySchema;
  /** Owned as a whole. Other lists are maps of their keys, or sets where there are none. */
  readonly atomic: boolean;
  /** Sorted by name. */
  readonly keys: readonly ApplyKey[];
  /** As declared, for messages. */
  readonly keyNames: readonly string[];
}
export interface ApplyKey {
  readonly name: string;
  /** As it stands in an element: `"name":`. */
  readonly text: string;
  /** Stands in for the key where an item leaves it out; undefined if nothing does. */
  readonly default: unknown;
}

export interface ApplyMap {
  readonly atomic: boolean;
  /** The declared fields, sorted by name. */
  readonly fields: readonly ApplyField[];
  readonly byName: ReadonlyMap<string, ApplyField>;
  /** What other members are; undefined where there may be none. */
  readonly element: ApplySchema | undefined;
}
export interface ApplyField {
  readonly name: string;
  readonly element: Element;
  readonly schema: ApplySchema;
}

const ATOMIC_LIST: ApplyList = {
  get element() {
    return ATOMIC;
  },
  atomic: true,
  keys: [],
  keyNames: [],
};
/** A value of any shape, owned as a whole (runtime.RawExtension). */
export const ATOMIC: ApplySchema = {
  scalar: 'untyped',
  list: ATOMIC_LIST,
  map: {
    get element() {
      return ATOMIC;
    },
    atomic: true,
    fields: [],
    byName: new Map(),
  },
};
const DEDUCED_MAP: ApplyMap = {
  get element() {
    return DEDUCED;
  },
  atomic: false,
  fields: [],
  byName: new Map(),
};
/** A value of any shape, whose objects are owned by member and whose lists as a whole. */
export const DEDUCED: ApplySchema = { scalar: 'untyped', list: ATOMIC_LIST, map: DEDUCED_MAP };

export type Shape = 'map' | 'scalar' | 'list';

/** As what a value is treated. Null, and what does not fit, count as the first shape that the schema has. */
export function shapeOf(schema: ApplySchema, value: unknown): Shape {
  if (typeof value === 'object') {
    if (Array.isArray(value)) {
      if (schema.list) return 'list';
    } else if (value !== null && schema.map) return 'map';
  } else if (value !== undefined && schema.scalar) return 'scalar';
  if (schema.map) return 'map';
  return schema.scalar ? 'scalar' : 'list';
}

/** The schema of a member of an object; undefined where there may be none. */
export function memberSchema(map: ApplyMap, name: string): ApplySchema | undefined {
  return map.byName.get(name)?.schema ?? map.element;
}

/** `keys` as declared. */
export function listSchema(
  element: ApplySchema,
  atomic: boolean,
  keys: readonly { name: string; default: unknown }[],
): ApplyList {
  return {
    element,
    atomic,
    keys: keys
      .map((key): ApplyKey => ({ ...key, text: keyName(key.name) }))
      .sort((a, b) => compareStrings(a.name, b.name)),
    keyNames: keys.map((k) => k.name),
  };
}

/** `fields` in any order. */
export function mapSchema(
  fields: readonly { name: string; schema: ApplySchema }[],
  element: ApplySchema | undefined,
  atomic: boolean,
): ApplyMap {
  const all = fields
    .map(({ name, schema }): ApplyField => ({ name, element: fieldElement(name), schema }))
    .sort((a, b) => compareStrings(a.name, b.name));
  return { atomic, fields: all, byName: new Map(all.map((f) => [f.name, f])), element };
}

/** The schema of a built-in type. */
export function applySchemaOf(type: StructType): ApplySchema {
  return structSchema(type, undefined);
}

const STRING: ApplySchema = { scalar: 'string' };
const NUMERIC: ApplySchema = { scalar: 'numeric' };
const BOOLEAN: ApplySchema = { scalar: 'boolean' };
const UNTYPED: ApplySchema = { scalar: 'untyped' };
const ANY_MAP: ApplySchema = { map: DEDUCED_MAP };

const SCALARS: Record<ScalarName, ApplySchema> = {
  string: STRING,
  bytes: STRING,
  bool: BOOLEAN,
  int32: NUMERIC,
  int64: NUMERIC,
  float64: NUMERIC,
  time: UNTYPED,
  microtime: UNTYPED,
  quantity: UNTYPED,
  intorstring: DEDUCED,
  raw: ATOMIC,
  fields: ANY_MAP,
  json: DEDUCED,
  any: DEDUCED,
};

function schemaOf(type: Type, field?: Field): ApplySchema {
  switch (type.kind) {
    case 'scalar':
      return SCALARS[type.scalar];
    case 'struct':
      return structSchema(type, field?.mapType);
    case 'map':
      return { map: mapSchema([], schemaOf(type.value), field?.mapType === 'atomic') };
    case 'list':
      return { list: new StructList(type.element, field) };
    case 'schemaOr':
      return DEDUCED;
  }
}

const structs = new WeakMap<StructType, { plain?: ApplySchema; atomic?: ApplySchema; granular?: ApplySchema }>();

/** A field may say otherwise than its type whether it is atomic. */
function structSchema(type: StructType, override: 'atomic' | 'granular' | undefined): ApplySchema {
  let known = structs.get(type);
  if (!known) {
    known = {};
    structs.set(type, known);
  }
  const atomic = (override ?? type.mapType) === 'atomic';
  known[override ?? 'plain'] ??= { map: new StructMap(type, atomic) };
  return known[override ?? 'plain']!;
}

/** Types refer to each other in circles: their fields are looked at when they are asked for. */
class StructMap implements ApplyMap {
  readonly atomic: boolean;
  readonly #type: StructType;
  #map: ApplyMap | undefined;

  constructor(type: StructType, atomic: boolean) {
    this.#type = type;
    this.atomic = atomic;
  }
  get #made(): ApplyMap {
    const fields = this.#type.jsonFields;
    this.#map ??= mapSchema(
      fields.map((f) => ({ name: f.json, schema: schemaOf(f.type, f) })),
      // An OpenAPI object without properties is free in form.
      fields.length === 0 ? DEDUCED : undefined,
      this.atomic,
    );
    return this.#map;
  }
  get fields(): readonly ApplyField[] {
    return this.#made.fields;
  }
  get byName(): ReadonlyMap<string, ApplyField> {
    return this.#made.byName;
  }
  get element(): ApplySchema | undefined {
    return this.#made.element;
  }
}

class StructList implements ApplyList {
  readonly atomic: boolean;
  readonly keyNames: readonly string[];
  readonly #element: Type;
  #made: ApplyList | undefined;

  constructor(element: Type, field: Field | undefined) {
    const merges = field?.listType === undefined && (field?.patchStrategy?.split(',').includes('merge') ?? false);
    const mergeKeys = field?.patchMergeKey === undefined ? [] : [field.patchMergeKey];
    this.atomic = !(merges || field?.listType === 'set' || field?.listType === 'map');
    this.keyNames = merges ? mergeKeys : field?.listType === 'map' ? (field.listMapKeys ?? []) : [];
    this.#element = element;
  }
  get #list(): ApplyList {
    const element = this.#element;
    const fields = element.kind === 'struct' ? element.byJson : undefined;
    this.#made ??= listSchema(
      schemaOf(element),
      this.atomic,
      this.keyNames.map((name) => ({ name, default: defaultOf(fields?.get(name)) })),
    );
    return this.#made;
  }
  get element(): ApplySchema {
    return this.#list.element;
  }
  get keys(): readonly ApplyKey[] {
    return this.#list.keys;
  }
}

/** What OpenAPI states: the default, or the zero value of what is always written. */
function defaultOf(field: Field | undefined): unknown {
  if (field?.default !== undefined) return field.default;
  if (!field || field.omitEmpty || field.pointer || field.type.kind !== 'scalar') return undefined;
  switch (SCALARS[field.type.scalar]) {
    case STRING:
      return '';
    case NUMERIC:
      return 0;
    case BOOLEAN:
      return false;
    default:
      return undefined;
  }
}
