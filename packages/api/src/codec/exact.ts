/**
 * Reads JSON text into a type exactly as Go's decoder does (sigs.k8s.io/json), with its errors and its strictness: duplicate
 * keys are seen and merged, numbers keep their text, unknown fields are named by their path.
 *
 * The result is a tree for codec/canonical.ts to finish. This is the slow way; see codec/json.ts for when it is taken.
 */
import { quote } from '../field.ts';
import { type JsonObject, put } from '../patch/value.ts';
import { atOnce, isPieceOver, type Pieces } from '../pieces.ts';
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
export function decodeExactly(text: string, type: Type, strict: boolean): ExactlyDecoded {
  return atOnce(decodingExactly(text, type, strict));
}

/** The same in pieces. */
export function* decodingExactly(text: string, type: Type, strict: boolean): Pieces<ExactlyDecoded> {
  const decoder = new Decoder(text, strict);
  const tree = yield* decoder.run(type);
  return { tree, strictErrors: decoder.strictErrors };
}

interface ExactlyDecoded {
  readonly tree: unknown;
  readonly strictErrors: string[];
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

  *run(type: Type): Pieces<unknown> {
    let tree: unknown;
    try {
      tree = yield* this.#value(type, undefined, false);
    } catch (error) {
      throw error instanceof TypeMismatch ? error.within(this.#struct, this.#path) : error;
    }
    if (this.#mismatch) throw this.#mismatch;
    return tree;
  }

  /** Notes that a value does not fit its type. */
  #mismatched(value: string, type: string): undefined {
    this.#mismatch ??= new TypeMismatch(value, type).within(this.#struct, this.#path);
  }
  /** The same of the next value, which is skipped. */
  #unfit(type: string): undefined {
    this.#mismatched(this.#cursor.kind, type);
    this.#cursor.skip();
  }

  #strictError(what: 'unknown' | 'duplicate', field: string): void {
    if (!this.#strict || this.strictErrors.length >= MAX_STRICT_ERRORS) return;
    const text = `${what} field ${quote(this.#strictPath === '' ? field : `${this.#strictPath}.${field}`)}`;
    if (!this.strictErrors.includes(text)) this.strictErrors.push(text);
  }
  /** From here on what stands under a key, or at an index, is read. @returns the path until then, to go back to */
  #enter(key: string): string {
    const outer = this.#strictPath;
    this.#strictPath = key.startsWith('[') || outer === '' ? outer + key : `${outer}.${key}`;
    return outer;
  }

  /**
   * @param existing what an earlier duplicate left behind; undefined for the zero value
   */
  *#value(type: Type, existing: unknown, pointer: boolean): Pieces<unknown> {
    if (isPieceOver()) yield;
    const { kind } = this.#cursor;
    if (kind === 'null' && (pointer || type.kind === 'list' || type.kind === 'map')) {
      this.#cursor.skip();
      return undefined;
    }
    switch (type.kind) {
      case 'struct':
        return yield* this.#structValue(type, existing as Tree | undefined);
      case 'list':
        return yield* this.#list(type, existing as unknown[] | undefined);
      case 'map':
        return yield* this.#map(type, existing as Tree | undefined);
      case 'schemaOr':
        return yield* this.#union(type);
      case 'scalar':
        switch (type.scalar) {
          case 'raw':
          case 'fields':
          case 'json':
            return yield* this.#cursor.reading();
          case 'any':
            if (kind === 'object') return yield* this.#map(ANY_MAP, undefined);
            if (kind === 'array') return yield* this.#list(ANY_LIST, undefined);
            return this.#anyScalar();
          default:
            return this.#scalar(type, existing);
        }
    }
  }

  *#structValue(type: StructType, existing: Tree | undefined): Pieces<Tree | undefined> {
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
    const struct = bareName(type.goName);
    this.#cursor.open();
    for (let key = this.#cursor.member(); key !== undefined; key = this.#cursor.member()) {
      const place = places.get(key);
      if (!place) {
        this.#strictError('unknown', key);
        this.#cursor.skip();
        continue;
      }
      if (seen.has(key)) this.#strictError('duplicate', key);
      seen.add(key);
      this.#struct = struct;
      this.#path = [...outerPath, ...place.path];
      const outer = this.#enter(key);
      tree[key] = yield* this.#value(place.field.type, tree[key], place.field.pointer);
      this.#strictPath = outer;
      this.#struct = outerStruct;
      this.#path = outerPath;
    }
    return tree;
  }

  *#list(type: ListType, existing: unknown[] | undefined): Pieces<unknown[] | undefined> {
    if (this.#cursor.kind !== 'array') return this.#unfit(type.goName);
    const list: unknown[] = [];
    this.#cursor.open();
    while (this.#cursor.item()) {
      const index = list.length;
      const outer = this.#enter(`[${index}]`);
      list.push(yield* this.#value(type.element, existing?.[index], type.elementPointer));
      this.#strictPath = outer;
    }
    return list;
  }

  *#map(type: MapType, existing: Tree | undefined): Pieces<Tree | undefined> {
    if (this.#cursor.kind !== 'object') return this.#unfit(type.goName);
    const map: JsonObject = existing ?? {};
    const seen = new Set<string>();
    this.#cursor.open();
    for (let key = this.#cursor.member(); key !== undefined; key = this.#cursor.member()) {
      if (seen.has(key)) this.#strictError('duplicate', key);
      seen.add(key);
      const outer = this.#enter(key);
      put(map, key, yield* this.#value(type.value, undefined, false));
      this.#strictPath = outer;
    }
    return map;
  }

  /** Upstream reads these by a decoder of their own, which is not strict and stops at its first error. */
  *#union({ or, schema }: SchemaOrType): Pieces<unknown> {
    const text = this.#cursor.raw();
    if (text[0] === '{') return (yield* decodingExactly(text, schema, false)).tree;
    if (or === 'bool') {
      if (text === 'true' || text === 'false') return text === 'true';
      throw new DecodeError('boolean or JSON schema expected');
    }
    if (text[0] !== '[') return null;
    const element = or === 'array' ? schema : STRING;
    return (yield* decodingExactly(text, listOf(element), false)).tree;
  }

  /** Of a type that is itself a value of Go's, or reads its text. */
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
          return Number.isFinite(value) ? value : this.#mismatched(`number ${text}`, type.goName);
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
    const unfit = (): undefined => this.#mismatched(`number ${text}`, type.goName);
    if (!/^-?\d+$/.test(text)) return unfit();
    const value = Number(text);
    if (type.scalar === 'int32') return (value | 0) === value ? value : unfit();
    if (Number.isSafeInteger(value)) return value;
    return int64(text) ?? unfit();
  }

  #bytes(type: ScalarType, existing: unknown): unknown {
    const cursor = this.#cursor;
    if (cursor.kind === 'array') return this.#listOfBytes();
    if (cursor.kind === 'null') {
      cursor.skip();
      return undefined;
    }
    return this.#plain(type, existing, 'string', () => {
      try {
        return decodeBase64(cursor.string()).toString('base64');
      } catch (error) {
        this.#mismatch ??= error as DecodeError;
        return undefined;
      }
    });
  }

  /** A list of numbers is fine, too. */
  #listOfBytes(): string {
    const cursor = this.#cursor;
    const byte: ScalarType = { kind: 'scalar', scalar: 'int32', goName: 'uint8' };
    const numbers: number[] = [];
    cursor.open();
    while (cursor.item()) {
      if (cursor.kind !== 'number' && cursor.kind !== 'null') {
        this.#unfit('uint8');
        continue;
      }
      const text = cursor.raw();
      const value = text === 'null' ? 0 : this.#integer(byte, text);
      if (typeof value === 'number' && value >= 0 && value <= 255) numbers.push(value);
      else this.#mismatched(`number ${text}`, 'uint8');
    }
    return Buffer.from(numbers).toString('base64');
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

  /** Of a value without a type. */
  #anyScalar(): unknown {
    const cursor = this.#cursor;
    if (cursor.kind !== 'number') return JsonCursor.scalar(cursor);
    const text = cursor.raw();
    return JsonCursor.number(text) ?? this.#mismatched(`number ${text}`, 'float64');
  }
}

const STRING: ScalarType = { kind: 'scalar', scalar: 'string', goName: 'string' };
const ANY: ScalarType = { kind: 'scalar', scalar: 'any', goName: 'interface {}' };
const ANY_MAP: MapType = { kind: 'map', key: STRING, value: ANY, goName: 'map[string]interface {}' };
const ANY_LIST: ListType = listOf(ANY);

function listOf(element: StructType | ScalarType): ListType {
  return { kind: 'list', element, elementPointer: false, goName: `[]${element.goName}`, named: false };
}

/** `v1.PodSpec` → `PodSpec` */
function bareName(goName: string): string {
  return goName.slice(goName.lastIndexOf('.') + 1);
}

function trimQuotes(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
