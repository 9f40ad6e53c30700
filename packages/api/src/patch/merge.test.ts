import { expect, test } from 'vitest';
import { applyMergePatch, decodeMergePatch } from './merge.ts';
import { type JsonObject, Written } from './value.ts';

// The examples of RFC 7386's appendix, and what evanphx/json-patch makes of nulls.
test.each<[JsonObject, JsonObject | unknown[], unknown]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{}, { a: [null, { b: null, c: 1 }] }, { a: [null, { c: 1 }] }],
  [{ a: 1 }, { a: [{ b: null }] }, { a: [{}] }],
  [{ a: {} }, { a: [{ b: null }] }, { a: [{ b: null }] }],
  [{ a: {} }, { a: { b: { c: null } } }, { a: { b: {} } }],
  [{ a: null }, { a: { b: null } }, { a: {} }],
  [{ a: 1 }, [1, { b: null }], [1, {}]],
])('%j + %j', (document, patch, expected) => {
  const before = structuredClone([document, patch]);
  expect(applyMergePatch(document, patch)).toEqual(expected);
  expect([document, patch]).toEqual(before);
});

test('a key like __proto__ is a member', () => {
  const patch = JSON.parse('{"data":{"__proto__":"1"}}') as JsonObject;
  expect(JSON.stringify(applyMergePatch({ data: { a: '1' } }, patch))).toBe('{"data":{"__proto__":"1","a":"1"}}');
  expect(JSON.stringify(applyMergePatch({}, patch))).toBe('{"data":{"__proto__":"1"}}');
});

test('a number stays as it was written', () => {
  const patch = { a: { b: new Written('1.0') }, c: [new Written('1e0')] };
  expect(JSON.stringify(applyMergePatch({ a: { b: 1 }, c: { d: 1 } }, patch))).toBe('{"a":{"b":1.0},"c":[1e0]}');
});

test('what is touched is sorted, the rest is as it was', () => {
  const document = { z: { b: 1, a: 1 }, y: { b: 1, a: 1 } };
  const merged = applyMergePatch(document, { y: { c: { e: 1, d: 1 } }, x: 1 });
  expect(JSON.stringify(merged)).toBe('{"x":1,"y":{"a":1,"b":1,"c":{"d":1,"e":1}},"z":{"b":1,"a":1}}');
});

const PREFIX = 'error decoding patch: json: cannot unmarshal';
test.each<[unknown, string, string | undefined]>([
  [null, 'Invalid JSON Patch', 'Invalid JSON Patch'],
  [[], `${PREFIX} array into Go value of type map[string]interface {}`, undefined],
  ['x', `${PREFIX} string into Go value of type map[string]interface {}`, 'Invalid JSON Patch'],
  [true, `${PREFIX} bool into Go value of type map[string]interface {}`, 'Invalid JSON Patch'],
  [1, `${PREFIX} number into Go value of type map[string]interface {}`, 'Invalid JSON Patch'],
])('the shape of %j', (body, strict, lenient) => {
  expect(() => decodeMergePatch(body, true)).toThrow(expect.objectContaining({ code: 400, message: strict }));
  if (lenient) expect(() => decodeMergePatch(body, false)).toThrow(lenient);
  else expect(decodeMergePatch(body, false)).toBe(body);
});
