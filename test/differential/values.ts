/** Values for fields, by type: what stands there in other objects, what is at the edge, and what is wrong. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Field, ScalarName, StructType, Type } from '@keelson/api/schema';
import fc from 'fast-check';
import type { Seed } from './objects.ts';

/** The values of Go's string types with constants. */
const WORDS = JSON.parse(readFileSync(join(import.meta.dirname, 'words.json'), 'utf8')) as Record<string, string[]>;

const LONG = 'a'.repeat(64);
const ODD_STRINGS = [
  '', ' ', 'a', 'Bad_Name', 'UPPER', '-dash', 'dash-', 'a.b', 'a..b', 'a/b', 'a/b/c', '/abs/path', '../up', 'a/../b', '.', '..', '*',
  '1', '-1', '65536', LONG, 'a'.repeat(254), `${LONG}.com`, 'example.com', 'example.com/x', 'EXAMPLE.com/x', 'kubernetes.io/x', 'k8s.io/x',
  'requests.cpu', 'ä', 'a b', 'a:b', 'a=b', 'a,b', '$(A)', '%', '10.0.0.5', '10.0.0.0/24', '10.0.0.1/24', '192.0.2.1', '256.0.0.1', '010.0.0.1',
  '::1', 'fd00::1', 'fd00::/64', '::ffff:1.2.3.4', '127.0.0.1', '169.254.1.1', '224.0.0.1', '0.0.0.0', 'https://example.com', 'http://x?y#z', 'None', 'default',
  '0', 'true', 'a\nb', 'metadata.labels[\'a\']', 'spec.nodeName', 'status.podIP', '12345678901234567890', 'TCP', 'a.B', 'x_y', 'X_Y', '1a', '_a',
]; // biome-ignore format: one list
const INTEGERS = [
  -2147483648, -100, -2, -1, 0, 1, 2, 3, 10, 63, 64, 80, 100, 101, 128, 255, 256, 511, 512, 513, 1000, 4096, 30000,
  32767, 65535, 65536, 86400, 100000, 1000000001, 2147483647,
];
const QUANTITIES = [
  '0',
  '1',
  '2',
  '100m',
  '1500m',
  '1.5',
  '-1',
  '-100m',
  '1Gi',
  '1Mi',
  '2Mi',
  '3Mi',
  '10Gi',
  '1e3',
  '0.5m',
  '1000000',
  5,
];
const KEYS = [
  'a',
  'b',
  'example.com/x',
  'cpu',
  'memory',
  'storage',
  'Bad Key',
  '',
  'a/b/c',
  LONG,
  'kubernetes.io/x',
  'ephemeral-storage',
  'hugepages-2Mi',
  'example.com/gpu',
  'requests.example.com/gpu',
  'pods',
  'x_Y.z',
  '..',
  '.',
  'ä',
];

const SCALARS: Partial<Record<ScalarName, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  int32: fc.constantFrom(...INTEGERS),
  int64: fc.constantFrom(...INTEGERS, 4294967296, -4294967296),
  float64: fc.constantFrom(0, 1, -1, 0.5),
  bytes: fc.constantFrom('', 'aGk=', 'AAAA', '/w=='),
  time: fc.constantFrom('2026-01-01T00:00:00Z', '2036-01-01T00:00:00+02:00', null),
  microtime: fc.constantFrom('2026-01-01T00:00:00.000000Z', '2036-01-01T00:00:00.123456Z', null),
  quantity: fc.constantFrom(...QUANTITIES),
  intorstring: fc.constantFrom(
    ...INTEGERS,
    '0%',
    '1%',
    '50%',
    '100%',
    '101%',
    '-1%',
    'abc',
    '',
    '10',
    'http',
    'UPPER',
    'a--b',
    LONG,
    '123abc',
  ),
  fields: fc.constantFrom({}, { 'f:a': {} }),
  raw: fc.constantFrom({}, { a: 1 }, { kind: 'K', apiVersion: 'v1' }),
  json: fc.constantFrom(null, 1, 'a', {}, { a: 1 }, []),
  any: fc.constantFrom(1, 'a', {}, []),
};

/** What the objects at hand say of the values of fields. */
export class Values {
  readonly #strings = new Map<string, Set<string>>();
  readonly #keys = new Map<string, Set<string>>();

  constructor(seeds: readonly Seed[]) {
    for (const { object, type } of seeds) this.#collect(object, type, '');
  }

  strings(field: string, goName: string): fc.Arbitrary<string> {
    const words = WORDS[goName.split('.').at(-1)!] ?? [];
    const usual = [...new Set([...words, ...words, ...(this.#strings.get(field) ?? [])])];
    const odd = fc.constantFrom(...ODD_STRINGS);
    if (usual.length === 0) return odd;
    return fc.oneof(
      { weight: words.length > 0 ? 4 : 1, arbitrary: fc.constantFrom(...usual) },
      { weight: 1, arbitrary: odd },
    );
  }

  keys(field: string): fc.Arbitrary<string> {
    return fc.constantFrom(...KEYS, ...(this.#keys.get(field) ?? []));
  }

  #collect(value: unknown, type: Type, field: string): void {
    if (value === null || value === undefined) return;
    switch (type.kind) {
      case 'struct':
        for (const f of type.jsonFields) this.#collect((value as Record<string, unknown>)[f.json], f.type, f.json);
        return;
      case 'list':
        for (const element of value as unknown[]) this.#collect(element, type.element, field);
        return;
      case 'map':
        for (const [key, element] of Object.entries(value)) {
          add(this.#keys, field, key);
          this.#collect(element, type.value, field);
        }
        return;
      default:
        if (typeof value === 'string') add(this.#strings, field, value);
    }
  }
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key);
  if (known) known.add(value);
  else map.set(key, new Set([value]));
}

/** A value of a type, wrong as often as not; structs have some of their fields. */
export function anyOf(type: Type, field: string, values: Values, depth = 0): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'struct':
      return structOf(type, values, depth);
    case 'list': {
      const maxLength = depth > 2 ? 1 : 2;
      return fc.array(anyOf(type.element, field, values, depth + 1), { minLength: depth === 0 ? 1 : 0, maxLength });
    }
    case 'map':
      return fc.dictionary(values.keys(field), anyOf(type.value, field, values, depth + 1), {
        maxKeys: 2,
        noNullPrototype: true,
      });
    case 'schemaOr':
      return fc.constantFrom<unknown>(true, false, { type: 'string' });
    case 'scalar':
      return SCALARS[type.scalar] ?? values.strings(field, type.goName);
  }
}

/** Beyond this depth structs have only what must be there. */
const DEEP = 4;

function structOf(type: StructType, values: Values, depth: number): fc.Arbitrary<unknown> {
  const fields = type.jsonFields.filter((f) => depth < DEEP || isNeeded(f));
  // Made when it is asked for: types contain themselves.
  const parts = fields.map((f) => {
    const value = fc.constant(null).chain(() => anyOf(f.type, f.json, values, depth + 1));
    const share = isNeeded(f) ? 0.85 : depth === 0 ? 0.4 : 0.2;
    return fc
      .double({ min: 0, max: 1, noNaN: true })
      .chain((dice) => (dice < share && depth < DEEP + 2 ? value : fc.constant(undefined)));
  });
  return fc
    .tuple(...parts)
    .map((made) => Object.fromEntries(fields.flatMap((f, i) => (made[i] === undefined ? [] : [[f.json, made[i]]]))));
}

function isNeeded({ omitEmpty, pointer }: Field): boolean {
  return !omitEmpty && !pointer;
}
