import fc from 'fast-check';
import protobuf from 'protobufjs/light.js';
import { describe, expect, test } from 'vitest';
import { type Descriptor, Messages } from './messages.ts';

const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: 'repeated', type, id });

const descriptors = {
  nested: {
    outer: {
      nested: {
        All: {
          oneofs: { choice: { oneof: ['left', 'right'] } },
          fields: {
            text: one('string', 1),
            bytes: one('bytes', 2),
            flag: one('bool', 3),
            small: one('int32', 4),
            unsigned: one('uint32', 5),
            large: one('int64', 6),
            largest: one('uint64', 7),
            fixed: one('fixed64', 8),
            fraction: one('double', 9),
            kind: one('Kind', 10),
            inner: one('Inner', 11),
            texts: many('string', 12),
            numbers: many('int64', 13),
            kinds: many('Kind', 14),
            all: many('All', 15),
            labels: { keyType: 'string', ...one('string', 16) },
            weights: { keyType: 'int32', ...one('Inner', 3000) },
            left: one('.inner.Far', 18),
            right: one('bool', 19),
          },
          nested: { Kind: { values: { NONE: 0, SOME: 1, LAST: 70_000 } } },
        },
        Inner: { fields: { name: one('string', 1) } },
      },
    },
    inner: { nested: { Far: { fields: { at: one('int64', 1) } } } },
    Service: { methods: { Ask: { requestType: 'outer.All', responseType: 'outer.Inner' } } },
  },
} satisfies Descriptor;

const messages = new Messages(descriptors);
const all = messages.message('outer.All');
const oracle = protobuf.Root.fromJSON(descriptors as object as protobuf.INamespace).lookupType('outer.All');

const large = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const natural = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const kind = fc.constantFrom('NONE', 'SOME', 'LAST');
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const inner = fc.record({ name: text });
const { value } = fc.letrec((tie) => ({
  value: fc.record(
    {
      text,
      bytes: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      flag: fc.boolean(),
      small: fc.integer(),
      unsigned: fc.nat(),
      large,
      largest: natural,
      fixed: natural,
      fraction: fc.double({ noNaN: true }),
      kind,
      inner,
      texts: fc.array(text),
      numbers: fc.array(large),
      kinds: fc.array(kind),
      all: fc.oneof({ depthSize: 'small' }, fc.constant([]), fc.array(tie('value'), { maxLength: 2 })),
      labels: fc.dictionary(text, text, { noNullPrototype: true }),
      weights: fc.dictionary(fc.nat().map(String), inner, { noNullPrototype: true }),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
}));
const withChoice = fc
  .tuple(value, fc.constantFrom({}, { left: { at: 5 } }, { left: { at: 0 } }, { right: false }, { right: true }))
  .map(([message, choice]) => ({ ...(message as object), ...choice }));

describe('beside protobufjs', () => {
  const options = { longs: Number, enums: String, arrays: true, objects: true, defaults: true };
  const theirs = {
    encode: (message: object) => Buffer.from(oracle.encode(oracle.fromObject(message)).finish()),
    decode: (bytes: Uint8Array) => oracle.toObject(oracle.decode(bytes), options),
  };

  test.each([
    ['reads what that wrote, and says the same of it', theirs.encode],
    ['reads what it wrote', (message: object) => all.encode(message)],
  ])('%s', (_, encode) => {
    const agree = (message: object) => {
      const bytes = encode(message);
      expect(all.decode(bytes)).toEqual(theirs.decode(bytes));
    };
    fc.assert(fc.property(withChoice, agree), { examples: [[{ labels: { ['__proto__']: 'a' } }]] });
  });

  test('writes as much', () => {
    const sameSize = (given: object) => {
      // It rounds integers that it is given as text.
      const message = theirs.decode(theirs.encode(given));
      expect(all.encode(message)).toHaveLength(theirs.encode(message).length);
    };
    fc.assert(fc.property(withChoice, sameSize));
  });
});

test('integers of 64 bits are exact where that is asked for', () => {
  const all = new Messages(descriptors, { isExact: true }).message('outer.All');
  const exact = { large: -(2n ** 63n), largest: 2n ** 64n - 1n, fixed: 2n ** 64n - 1n, numbers: [-(2n ** 62n), 7] };
  expect(all.decode(all.encode(exact))).toMatchObject(exact);
  expect(all.decode(all.encode({ largest: '18446744073709551615' }))).toMatchObject({ largest: 2n ** 64n - 1n });
});

test('fields that nobody knows, and those of another type, are passed over', () => {
  const older = new Messages({ nested: { All: { fields: { large: one('int64', 6), text: one('int64', 1) } } } });
  const bytes = all.encode({ text: 'a', bytes: Buffer.from('b'), large: 5, fixed: 6, inner: { name: 'c' } });
  expect(older.message('All').decode(bytes)).toEqual({ large: 5, text: 0 });
});

test('what is absent is shared by no two messages', () => {
  const [first, second] = [all.decode(Buffer.alloc(0)), all.decode(all.encode({ texts: ['a'], labels: { b: 'c' } }))];
  expect(first).toMatchObject({ texts: [], labels: {} });
  expect(second).toMatchObject({ texts: ['a'], labels: { b: 'c' } });
  expect(all.decode(Buffer.alloc(0))).toEqual(first);
});

test.each([
  ['a text for a message', { inner: 'name' }, 'outer.Inner: a message is an object, not a string'],
  ['an unknown name for an enum', { kind: 'OTHER' }, 'outer.All.Kind has no OTHER'],
])('%s is refused', (_, message, refusal) => {
  expect(() => all.encode(message)).toThrow(new TypeError(refusal));
});

test('names are looked for from within', () => {
  expect(messages.methods('Service')).toHaveProperty('Ask');
  expect(messages.message('Inner', 'outer.All')).toBe(messages.message('outer.Inner'));
  expect(() => messages.message('Nothing', 'outer')).toThrow('there is no Nothing to outer');
  expect(() => messages.message('outer.All.Kind')).toThrow('outer.All.Kind is no message');
  expect(() => messages.methods('outer.All')).toThrow('there is no service outer.All');
});
