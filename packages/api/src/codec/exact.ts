/**
 * Reads JSON text into a type exactly as Go's decoder does (sigs.k8s.io/json), with its errors and its strictness: duplicate
 * keys are seen and merged, numbers keep their text, unknown fields are named by their path.
 *
 * The result is a tree for codec/canonical.ts to finish. This is the slow way; see codec/json.ts for when it is taken.
 */
import { quote } from '../field.ts';
import { Quantity } from '../quantity.ts';
import type { Field, ListType, MapType, ScalarType, SchemaOrType, StructType, Type } from '../schema.ts';
import { canonicalMicroTime, canonicalTime } from '../time.ts';
import { decodeBase64 } from './base64.ts';
import { int64, JsonCursor, type TokenKind } from './json-cursor.ts';

/** A value does not fit its type; the message is Go's. */
export class DecodeError extends Error {
  override readonly name: string = 'DecodeError';
}

/** Go's UnmarshalTypeError: it learns from those who pass it on in which field it happened. */
class TypeMismatch extends DecodeError {
  override readonly name = 'TypeMismatch';
  readonly #value: string;
  readonly #type: string;
  #field: string;

  constructor(value: string, type: string) {
    super();
    this.#value = value;
    this.#type = type;
    this.#field = '';
    this.#tell('');
  }

  /** @param struct the struct's name without its package */
  within(struct: string, path: readonly string[]): this {
    if (struct === '' && path.length === 0) return this;
    this.#field = [...path, ...(this.#field === '' ? [] : [this.#field])].join('.');
    this.#tell(struct);
    return this;
  }

  #tell(struct: string): void {
    const where = struct === '' && this.#field === '' ? 'Go value' : `Go struct field ${struct}.${this.#field}`;
    this.message = `json: cannot unmarshal ${this.#value} into ${where} of type ${this.#type}`;
  }
}

const MAX_STRICT_ERRORS = 100;

type Tree = Record<string, unknown>;

/** A JSON field of a struct with the embedded structs that it comes from: they stand in the paths of errors. */
interface Place {
  readonly field: Field;
  readonly path: readonly string[];
}
const placesOfStructs = new WeakMap<StructType, Map<string, Place>>();

function placesOf(type: StructType): Map<string, Place> {
  let places = placesOfStructs.get(type);
  if (places) return places;
  places = new Map();
  for (const field of type.fields) {
    if (field.inline && field.type.kind === 'struct') {
      for (const [json, inner] of placesOf(field.type))
        places.set(json, { field: inner.field, path: [field.go, ...inner.path] });
    } else places.set(field.json, { field, path: [field.json] });
  }
  placesOfStructs.set(type, places);
  return places;
}

/**
 * @param text well-formed JSON
 * @returns a tree whose canonical form is the object
 * @throws DecodeError
 */
export function decodeExactly(text: string, type: Type, strict: boolean): { tree: unknown; strictErrors: string[] } {
  const decoder = new Decoder(text, strict);
  const tree = decoder.run(type);
  return { tree, strictErrors: decoder.strictErrors };
}

class Decoder {
  readonly strictErrors: string[] = [];
  readonly #cursor: JsonCursor;
  readonly #strict: boolean;
  /** The path of the value being read, for strict errors: `spec.containers[0].image`. */
  #strictPath = '';
  /** The same for type errors, which leave indices and map keys out, and the innermost struct. */
  #path: readonly string[] = [];
  #struct = '';
  /** The first type error: told if nothing worse follows. */
  #mismatch: Error | undefined;

  constructor(text: string, strict: boolean) {
    this.#cursor = new JsonCursor(text);
    this.#strict = strict;
  }

  run(type: Type): unknown {
    let tree: unknown;
    try {
      tree = this.#value(type, undefined, false);
    } catch (error) {
      throw error instanceof TypeMismatch ? error.within(this.#struct, this.#path) : error;
    }
    if (this.#mismatch) throw this.#mismatch;
    return tree;
  }

  #save(error: DecodeError): undefined {
    if (error instanceof TypeMismatch) error.within(this.#struct, this.#path);
    this.#mismatch ??= error;
  }
  /** Notes that the next value does not fit, and skips it. */
  #unfit(type: string, value: string = this.#cursor.kind): undefined {
    this.#save(new TypeMismatch(value, type));
    this.#cursor.skip();
  }

  #strictError(what: 'unknown' | 'duplicate', field: string): void {
    if (!this.#strict || this.strictErrors.length >= MAX_STRICT_ERRORS) return;
    const text = `${what} field ${quote(this.#strictPath === '' ? field : `${this.#strictPath}.${field}`)}`;
    if (!this.strictErrors.includes(text)) this.strictErrors.push(text);
  }
  #under<T>(key: string, read: () => T): T {
    const outer = this.#strictPath;
    this.#strictPath = key.startsWith('[') || outer === '' ? outer + key : `${outer}.${key}`;
    const value = read();
    this.#strictPath = outer;
    return value;
  }

  /**
   * @param existing what an earlier duplicate left behind; undefined for the zero value
   */
  #value(type: Type, existing: unknown, pointer: boolean): unknown {
    if (this.#cursor.kind === 'null' && (pointer || type.kind === 'list' || type.kind === 'map')) {
      this.#cursor.skip();
      return undefined;
    }
    switch (type.kind) {
      case 'struct':
        return this.#structValue(type, existing as Tree | undefined);
      case 'list':
        return this.#list(type, existing as unknown[] | undefined);
      case 'map':
        return this.#map(type, existing as Tree | undefined);
      case 'schemaOr':
        return this.#union(type);
      case 'scalar':
        return this.#scalar(type, existing);
    }
  }

  #structValue(type: StructType, existing: Tree | undefined): Tree | undefined {
    const { kind } = this.#cursor;
    if (kind === 'null') {
      this.#cursor.skip();
      return existing ?? {};
    }
    if (kind !== 'object') return this.#unfit(type.goName);
    const tree = existing ?? {};
    const places = placesOf(type);
    const seen = new Set<string>();
    const [outerStruct, outerPath] = [this.#struct, this.#path];
    this.#cursor.object((key) => {
      const place = places.get(key);
      if (!place) {
        this.#strictError('unknown', key);
        this.#cursor.skip();
        return;
      }
      if (seen.has(key)) this.#strictError('duplicate', key);
      seen.add(key);
      this.#struct = bareName(type.goName);
      this.#path = [...outerPath, ...place.path];
      tree[key] = this.#under(key, () => this.#value(place.field.type, tree[key], place.field.pointer));
      this.#struct = outerStruct;
      this.#path = outerPath;
    });
    return tree;
  }

  #list(type: ListType, existing: unknown[] | undefined): unknown[] | undefined {
    if (this.#cursor.kind !== 'array') return this.#unfit(type.goName);
    const list: unknown[] = [];
    this.#cursor.array((index) => {
      const read = (): unknown => this.#value(type.element, existing?.[index], type.elementPointer);
      list.push(this.#under(`[${index}]`, read));
    });
    return list;
  }

  #map(type: MapType, existing: Tree | undefined): Tree | undefined {
    if (this.#cursor.kind !== 'object') return this.#unfit(type.goName);
    const map = new Map(Object.entries(existing ?? {}));
    const seen = new Set<string>();
    this.#cursor.object((key) => {
      if (seen.has(key)) this.#strictError('duplicate', key);
      seen.add(key);
      map.set(
        key,
        this.#under(key, () => this.#value(type.value, undefined, false)),
      );
    });
    return Object.fromEntries(map);
  }

  /** Upstream reads these by a decoder of their own, which is not strict and stops at its first error. */
  #union({ or, schema }: SchemaOrType): unknown {
    const text = this.#cursor.raw();
    if (text[0] === '{') return decodeExactly(text, schema, false).tree;
    if (or === 'bool') {
      if (text === 'true' || text === 'false') return text === 'true';
      throw new DecodeError('boolean or JSON schema expected');
    }
    if (text[0] !== '[') return null;
    const element = or === 'array' ? schema : STRING;
    return decodeExactly(
      text,
      { kind: 'list', element, elementPointer: false, goName: `[]${element.goName}`, named: false },
      false,
    ).tree;
  }

  #scalar(type: ScalarType, existing: unknown): unknown {
    const cursor = this.#cursor;
    switch (type.scalar) {
      case 'string':
        return this.#plain(type, existing, 'string', () => cursor.string());
      case 'bool':
        return this.#plain(type, existing, 'bool', () => cursor.raw() === 'true');
      case 'int32':
      case 'int64':
        return this.#plain(type, existing, 'number', () => this.#integer(type, cursor.raw()));
      case 'float64':
        return this.#plain(type, existing, 'number', () => {
          const text = cursor.raw();
          const value = Number(text);
          return Number.isFinite(value) ? value : this.#save(new TypeMismatch(`number ${text}`, type.goName));
        });
      case 'bytes':
        return this.#bytes(type, existing);
      case 'time':
        return this.#text(canonicalTime);
      case 'microtime':
        return this.#text(canonicalMicroTime);
      case 'quantity': {
        const text = cursor.raw();
        return text === 'null' ? undefined : Quantity.parse(trimQuotes(text).trim()).toString();
      }
      case 'intorstring':
        return this.#intOrString();
      case 'raw':
      case 'fields':
      case 'json':
        return cursor.json();
      case 'any':
        return this.#any();
    }
  }

  /** A value of a Go kind: null leaves it as it is. */
  #plain(type: ScalarType, existing: unknown, kind: TokenKind, read: () => unknown): unknown {
    if (this.#cursor.kind === 'null') {
      this.#cursor.skip();
      return existing;
    }
    return this.#cursor.kind === kind ? read() : this.#unfit(type.goName);
  }

  #integer(type: ScalarType, text: string): number | bigint | undefined {
    const unfit = (): undefined => this.#save(new TypeMismatch(`number ${text}`, type.goName));
    if (!/^-?\d+$/.test(text)) return unfit();
    const value = Number(text);
    if (type.scalar === 'int32') return (value | 0) === value ? value : unfit();
    if (Number.isSafeInteger(value)) return value;
    return int64(text) ?? unfit();
  }

  #bytes(type: ScalarType, existing: unknown): unknown {
    const cursor = this.#cursor;
    if (cursor.kind === 'array') {
      // A list of numbers is fine, too.
      const numbers: number[] = [];
      const byte: ScalarType = { kind: 'scalar', scalar: 'int32', goName: 'uint8' };
      cursor.array(() => {
        if (cursor.kind !== 'number' && cursor.kind !== 'null') return this.#unfit('uint8');
        const text = cursor.raw();
        const value = text === 'null' ? 0 : this.#integer(byte, text);
        if (typeof value === 'number' && value >= 0 && value <= 255) numbers.push(value);
        else this.#save(new TypeMismatch(`number ${text}`, 'uint8'));
      });
      return Buffer.from(numbers).toString('base64');
    }
    if (cursor.kind === 'null') {
      cursor.skip();
      return undefined;
    }
    return this.#plain(type, existing, 'string', () => {
      try {
        return decodeBase64(cursor.string()).toString('base64');
      } catch (error) {
        return this.#save(error as DecodeError);
      }
    });
  }

  /** A type of upstream's that reads itself from a string. Its errors end the decoding at once. */
  #text(canonical: (text: string) => string | null): string | null | undefined {
    const { kind } = this.#cursor;
    if (kind === 'null') {
      this.#cursor.skip();
      return undefined;
    }
    if (kind !== 'string') throw new TypeMismatch(kind, 'string');
    return canonical(this.#cursor.string());
  }

  #intOrString(): unknown {
    const cursor = this.#cursor;
    if (cursor.kind === 'string') return cursor.string();
    if (cursor.kind !== 'number' && cursor.kind !== 'null') throw new TypeMismatch(cursor.kind, 'int32');
    const text = cursor.raw();
    if (text === 'null') return 0;
    const value = Number(text);
    if (/^-?\d+$/.test(text) && (value | 0) === value) return value;
    throw new TypeMismatch(`number ${text}`, 'int32');
  }

  /** A value without a type: duplicates count, nothing else does. */
  #any(): unknown {
    const cursor = this.#cursor;
    if (cursor.kind === 'array') {
      const list: unknown[] = [];
      cursor.array((index) => {
        list.push(this.#under(`[${index}]`, () => this.#any()));
      });
      return list;
    }
    if (cursor.kind !== 'object') {
      if (cursor.kind !== 'number') return cursor.json();
      const text = cursor.raw();
      const value = JsonCursor.number(text);
      if (value === undefined) this.#save(new TypeMismatch(`number ${text}`, 'float64'));
      return value;
    }
    const map = new Map<string, unknown>();
    cursor.object((key) => {
      if (map.has(key)) this.#strictError('duplicate', key);
      map.set(
        key,
        this.#under(key, () => this.#any()),
      );
    });
    return Object.fromEntries(map);
  }
}

const STRING: ScalarType = { kind: 'scalar', scalar: 'string', goName: 'string' };

/** `v1.PodSpec` → `PodSpec` */
function bareName(goName: string): string {
  return goName.slice(goName.lastIndexOf('.') + 1);
}

function trimQuotes(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
