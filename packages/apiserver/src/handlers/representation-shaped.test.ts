import { encodeJson } from '@keelson/api/codec/json';
import { encodeStored, parseStored } from '@keelson/api/codec/stored';
import { encodeYaml } from '@keelson/api/codec/yaml';
import type { KubeObject } from '@keelson/api/object';
import { atOnce } from '@keelson/api/pieces';
import { describe, expect, it } from 'vitest';
import { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cached-objects.ts';
import { Elapsed } from '../registry/columns.ts';
import type { ServedResource } from '../registry/resource.ts';
import type { Printer } from '../table/table.ts';
import type { ListMeta, Representation } from './representation.ts';
import { ShapedJson, ShapedYaml } from './representation-shaped.ts';
import { type Shape, tableShape } from './shapes.ts';

const META: ListMeta = { resourceVersion: '7', remainingItemCount: 3 };

function cached(name: string, spec: object): CachedObject {
  const bytes = encodeStored({ kind: 'Thing', apiVersion: 'v1', metadata: { name }, spec } as KubeObject);
  return { key: `/${name}`, namespace: '', name, revision: 1, bytes, labels: {}, fields: {} };
}
const THINGS = [
  cached('a', { text: 'two\nlines\n', long: `${'word '.repeat(40)}<end>`, none: null, list: [], '10': 1, '9': 2 }),
  cached('b', {}),
  cached('c', { deep: [{ deeper: [{ deepest: 'x: y' }] }], quoted: '"\n"' }),
];

/** A list whose head has keys before and behind the items, whatever they are called. */
const shape = (itemsField: 'items' | 'rows', noItems: '[]' | 'null'): Shape =>
  ({
    listHead: (metadata: ListMeta) => ({ kind: 'ThingList', apiVersion: 'v1', metadata, columnDefinitions: null }),
    itemsField,
    noItems,
    item: (object: KubeObject) => object,
  }) as Partial<Shape> as Shape;

function written(representation: Representation, items: readonly CachedObject[]): { text: string; steps: number } {
  const out = new ChunkWriter();
  let steps = 0;
  for (const _ of representation.list(items, META, out)) steps++;
  out.flush();
  let text = '';
  for (let chunk = out.take(); chunk; chunk = out.take()) text += chunk.bytes;
  return { text, steps };
}

describe.each<[string, (shape: Shape) => Representation, (list: object) => string]>([
  ['JSON', (s) => new ShapedJson(options(s, false)), (list) => `${encodeJson(list)}\n`],
  ['JSON, indented', (s) => new ShapedJson(options(s, true)), (list) => encodeJson(list, true).toString()],
  ['YAML', (s) => new ShapedYaml(options(s, false)), (list) => encodeYaml(list).toString()],
])('a list as %s', (_, make, encode) => {
  it.each([
    ['items', '[]', []],
    ['items', 'null', []],
    ['rows', '[]', THINGS.slice(1, 2)],
    ['rows', 'null', THINGS],
    ['items', '[]', THINGS],
  ] as const)('of %s (%s): item by item what it is as a whole', (itemsField, noItems, items) => {
    const { text, steps } = written(make(shape(itemsField, noItems)), items);
    const objects = items.map(({ bytes }) => parseStored(bytes));
    const whole = {
      ...shape(itemsField, noItems).listHead(META),
      [itemsField]: items.length === 0 && noItems === 'null' ? null : objects,
    };
    expect(text).toBe(encode(whole));
    expect(steps).toBe(items.length);
  });
});

describe('the body of an answer', () => {
  const one = { one: (object: KubeObject) => object } as Partial<Shape> as Shape;
  const read = (form: string | undefined): Buffer => {
    const steps = new ShapedJson(options(one, false, form)).cached(THINGS[2]!);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  };

  it('is made once for all of one form', () => {
    expect(read('one')).toBe(read('one'));
    expect(read('other')).not.toBe(read('one'));
    expect(read(undefined)).not.toBe(read(undefined));
    expect(JSON.parse(read('one').toString())).toEqual(parseStored(THINGS[2]!.bytes));
  });
  it.each([7, 0])(
    'of a table is copied out of what is stored, and what it would be if that were read (revision %d)',
    (revision) => {
      const printer: Printer = {
        columns: [{ name: 'Name', type: 'string', format: 'name', description: '<d>', priority: 0 }],
        row: ({ metadata }) => ({ cells: [metadata.name ?? '', new Elapsed(0)] }),
      };
      const served = { definition: { registration: {} } } as ServedResource;
      const of = { served, printer, version: 'v1', now: new Date(90_000), isStored: true } as const;
      const table = new ShapedJson(options(tableShape({ ...of, includeObject: 'Metadata' }), false));
      const object: CachedObject = { ...THINGS[1]!, revision };
      const stored = parseStored(object.bytes);
      if (revision > 0) stored.metadata.resourceVersion = '7';
      const copied = atOnce(table.cached(object)).toString();
      expect(copied).toBe(atOnce(table.object(stored)).toString());
      expect(JSON.parse(copied)).toMatchObject({
        rows: [{ cells: ['b', '90s'], object: { metadata: { name: 'b' } } }],
      });
      expect(object.row).toBeDefined();
    },
  );
});

function options(shaped: Shape, pretty: boolean, form?: string): ConstructorParameters<typeof ShapedJson>[0] {
  return { shape: shaped, convert: (object) => object, parse: ({ bytes }) => parseStored(bytes), pretty, form };
}

describe('an event', () => {
  const events = { event: (object: KubeObject) => object } as Partial<Shape> as Shape;
  const frameFor = (form: string | undefined, type: 'ADDED' | 'MODIFIED' = 'ADDED') =>
    new ShapedJson(options(events, false, form)).event(type, THINGS[1]!);

  it('is the same bytes for all of one form', () => {
    expect(frameFor('one')).toBe(frameFor('one'));
    expect(JSON.parse(frameFor('one').toString())).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'b' } },
    });
  });
  it.each<[string, string | undefined, 'ADDED' | 'MODIFIED']>([
    ['of another form', 'other', 'ADDED'],
    ['of another type', 'one', 'MODIFIED'],
    ['without a form', undefined, 'ADDED'],
  ])('is made anew where it is %s', (_, form, type) => {
    const frame = frameFor(form, type);
    expect(frame).not.toBe(frameFor('one'));
    expect(JSON.parse(frame.toString())).toMatchObject({ type });
  });
  it('without a form is of one watch alone', () => {
    expect(frameFor(undefined)).not.toBe(frameFor(undefined));
  });
});
