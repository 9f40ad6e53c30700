import { expect, it } from 'vitest';
import { toJson } from './json.ts';
import { Lazy } from './lazy.ts';
import { toProtobuf } from './protobuf.ts';
import { textOf } from './testing.ts';

it.each([
  [{}, '{}'],
  [{ a: {}, b: new Lazy([]) }, '{"a":{},"b":{}}'],
  [{ a: '<', b: undefined, c: { d: [1, { e: null }] } }, '{"a":"\\u003c","c":{"d":[1,{"e":null}]}}'],
  [{ a: { '10': 1, '9': 2, b: 3 } }, '{"a":{"10":1,"9":2,"b":3}}'],
  [{ a: 9223372036854775807n }, '{"a":9223372036854775807}'],
])('writes JSON as Go does: %#', (document, text) => expect(textOf(Lazy.of(document))).toBe(text));

/** Definitions of which some are large themselves, and how many of them were made so far. */
function large() {
  let made = 0;
  const schema = { type: 'object', properties: Object.fromEntries([...Array(100).keys()].map((i) => [`p${i}`, {}])) };
  const definitions = [...Array(50).keys()].map((i): [string, () => unknown] => [
    `d${i}`,
    () => {
      made++;
      return schema;
    },
  ]);
  return { document: Lazy.of({ definitions: new Lazy(definitions) }), made: () => made };
}

it.each([
  ['JSON', toJson],
  ['protobuf', (document: Lazy) => toProtobuf(2, document)],
])('writes %s in pieces: a member, or one within it, is made and written in each', (_, write) => {
  const { document, made } = large();
  let pieces = 0;
  let before = 0;
  for (const _ of write(document)) {
    pieces++;
    expect(made() - before).toBeLessThanOrEqual(1);
    before = made();
  }
  expect(made()).toBe(50);
  expect(pieces).toBeGreaterThan(50 * 100);
});
