/** Objects from and to JSON, in the canonical form. */
import type { KubeObject } from '../object.ts';
import type { StructType, Type } from '../schema.ts';

export interface Decoded {
  readonly object: KubeObject;
  /** `unknown field "spec.foo"`, `duplicate field "metadata.name"` */
  readonly strictErrors: readonly string[];
}

export function decodeJson(bytes: Uint8Array, type: StructType, _options: { strict: boolean }): Decoded {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return { object: normalize(value, type) as KubeObject, strictErrors: [] };
}

/** The canonical form of a parsed value. */
export function normalize(value: unknown, type: Type): unknown {
  switch (type.kind) {
    case 'struct': {
      const source = (value ?? {}) as Record<string, unknown>;
      const out: Record<string, unknown> = {};
      for (const f of type.jsonFields) {
        const given = source[f.json];
        const isStruct = f.type.kind === 'struct';
        if (given === undefined || given === null) {
          if (isStruct && !f.pointer) out[f.json] = normalize({}, f.type);
          else if (!f.omitEmpty) out[f.json] = f.type.kind === 'scalar' && !f.pointer ? zero(f.type.scalar) : null;
          continue;
        }
        const normal = normalize(given, f.type);
        if (f.omitEmpty && !f.pointer && isEmpty(normal) && !isStruct) continue;
        out[f.json] = normal;
      }
      return out;
    }
    case 'list':
      return (value as unknown[]).map((v) => normalize(v, type.element));
    case 'map':
      return Object.fromEntries(Object.entries(value as object).map(([k, v]) => [k, normalize(v, type.value)]));
    default:
      return value;
  }
}

function zero(scalar: string): unknown {
  if (scalar === 'string') return '';
  if (scalar === 'bool') return false;
  return /^(int32|int64|float64)$/.test(scalar) ? 0 : null;
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value as object).length === 0;
}

export function encodeJson(object: object): Buffer {
  return Buffer.from(JSON.stringify(object));
}
