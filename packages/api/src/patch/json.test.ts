import { expect, test } from 'vitest';
import { StatusError } from '../errors.ts';
import {
  applyingJsonPatch,
  applyJsonPatch,
  decodeJsonPatch,
  decodingJsonPatch,
  inOrderOfOperations,
  type Operation,
  runJsonPatch,
  unknownMembers,
} from './json.ts';
import { Written } from './value.ts';

const doc = { data: { x: '1', n: null }, list: ['a', 'b', 'c'], deep: { list: [{ k: 1 }] } };
const run = (...steps: Operation[]) => applyJsonPatch(doc, steps);

test.each<[string, Operation[], object]>([
  ['add sets a member', [{ op: 'add', path: '/data/y', value: '2' }], { data: { x: '1', n: null, y: '2' } }],
  ['add without a value sets null', [{ op: 'add', path: '/data/y' }], { data: { x: '1', n: null, y: null } }],
  ['add inserts', [{ op: 'add', path: '/list/1', value: 'z' }], { list: ['a', 'z', 'b', 'c'] }],
  ['add at the length appends', [{ op: 'add', path: '/list/3', value: 'z' }], { list: ['a', 'b', 'c', 'z'] }],
  ['add at - appends', [{ op: 'add', path: '/list/-', value: 'z' }], { list: ['a', 'b', 'c', 'z'] }],
  ['add at -1 appends', [{ op: 'add', path: '/list/-1', value: 'z' }], { list: ['a', 'b', 'c', 'z'] }],
  ['add at -4 prepends', [{ op: 'add', path: '/list/-4', value: 'z' }], { list: ['z', 'a', 'b', 'c'] }],
  ['an index may have a sign and zeros', [{ op: 'remove', path: '/list/+01' }], { list: ['a', 'c'] }],
  ['remove counts from the end', [{ op: 'remove', path: '/list/-1' }], { list: ['a', 'b'] }],
  [
    'replace adds a missing member',
    [{ op: 'replace', path: '/data/q', value: 1 }],
    { data: { x: '1', n: null, q: 1 } },
  ],
  ['replace counts from the end', [{ op: 'replace', path: '/list/-3', value: 1 }], { list: [1, 'b', 'c'] }],
  ['move', [{ op: 'move', from: '/list/0', path: '/data/x' }], { list: ['b', 'c'], data: { x: 'a', n: null } }],
  ['copy', [{ op: 'copy', from: '/data/x', path: '/list/0' }], { list: ['1', 'a', 'b', 'c'] }],
  ['copy of a missing member is null', [{ op: 'copy', from: '/q', path: '/data/x' }], { data: { x: null, n: null } }],
  ['test of a missing member against null', [{ op: 'test', path: '/data/q', value: null }], {}],
  ['test of null without a value', [{ op: 'test', path: '/data/n' }], {}],
  ['test compares deeply', [{ op: 'test', path: '/deep', value: { list: [{ k: 1 }] } }], {}],
  ['a path loses what stands before its first slash', [{ op: 'add', path: 'data/x', value: 1 }], { x: 1 }],
  ['escapes', [{ op: 'add', path: '/data/a~1b~0c', value: 1 }], { data: { x: '1', n: null, 'a/b~c': 1 } }],
  ['~01 is ~1', [{ op: 'add', path: '/data/~01', value: 1 }], { data: { x: '1', n: null, '~1': 1 } }],
])('%s', (_, steps, expected) => {
  expect(run(...steps)).toEqual({ ...doc, ...expected });
});

test('the whole document may be replaced', () => {
  expect(run({ op: 'replace', path: '', value: { a: 1 } })).toEqual({ a: 1 });
});

test.each<[string, Operation]>([
  ['no operation', { path: '/data/x' }],
  ['unknown operation', { op: 'frob', path: '/data/x' }],
  ['no path', { op: 'add', value: 1 }],
  ['a path that is no string', { op: 'add', path: 1, value: 1 }],
  ['no from', { op: 'move', path: '/data/x' }],
  ['the whole document cannot be added', { op: 'add', path: '', value: {} }],
  ['the whole document is no scalar', { op: 'replace', path: '', value: 1 }],
  ['missing parent', { op: 'add', path: '/nope/x', value: 1 }],
  ['null parent', { op: 'add', path: '/data/n/x', value: 1 }],
  ['scalar parent', { op: 'add', path: '/data/x/y', value: 1 }],
  ['inherited parent', { op: 'add', path: '/data/constructor/x', value: 1 }],
  ['remove of a missing member', { op: 'remove', path: '/data/q' }],
  ['index beyond the list', { op: 'add', path: '/list/4', value: 1 }],
  ['index before the list', { op: 'add', path: '/list/-5', value: 1 }],
  ['no index', { op: 'remove', path: '/list/-' }],
  ['replace beyond the list', { op: 'replace', path: '/list/3', value: 1 }],
  ['move of a missing member', { op: 'move', from: '/data/q', path: '/data/x' }],
  ['test of another value', { op: 'test', path: '/data/x', value: '2' }],
  ['test without a value', { op: 'test', path: '/data/x' }],
])('422: %s', (_, step) => {
  expect(() => run(step)).toThrow(expect.objectContaining({ code: 422, reason: 'Invalid' }));
});

test.each<[path: string, written: string, isEqual: boolean]>([
  ['/s', '"<b>"', false],
  ['/s', '"\\u003cb\\u003e"', true],
  ['/n', '1', true],
  ['/n', '1.0', false],
  ['/o', '{"t":true,"s":"x"}', true],
  ['/o', '{ "s" : "\\u0078", "t" : true }', false],
  ['/z', 'null', true],
  ['/n', 'null', false],
])('test of %s compares with %s as it is written', (path, written, isEqual) => {
  const text = `[{"op":"test","path":"${path}","value":${written}}]`;
  const steps = decodeJsonPatch(JSON.parse(text), true, () => text);
  const patch = (): unknown => applyJsonPatch({ s: '<b>', n: 1, o: { s: 'x', t: true } }, steps);
  if (isEqual) expect(patch).not.toThrow();
  else expect(patch).toThrow(expect.objectContaining({ code: 422 }));
});

test('what tests expect is read in pieces', () => {
  const text = JSON.stringify([{ op: 'test', path: '/list', value: Array.from({ length: 15_000 }, () => 1.5) }]);
  const reading = decodingJsonPatch(JSON.parse(text), true, () => text);
  let pieces = 1;
  while (!reading.next().done) pieces++;
  expect(pieces).toBeGreaterThan(15_000 / 256);
});

test('what a patch has looked at is in the order of its keys, as errors show it', () => {
  const patched = applyJsonPatch({ z: { d: 1, c: { f: 1, e: 1 } }, y: { b: 1, a: 1 } }, [
    { op: 'add', path: '/z/a', value: 1 },
  ]);
  expect(JSON.stringify(patched)).toBe('{"y":{"b":1,"a":1},"z":{"a":1,"c":{"f":1,"e":1},"d":1}}');
});

test('neither the document nor the patch changes', () => {
  const before = structuredClone(doc);
  const steps = [
    { op: 'add', path: '/data', value: { a: { b: 1 } } },
    { op: 'add', path: '/data/a/c', value: 2 },
  ];
  expect(run(...steps)).toMatchObject({ data: { a: { b: 1, c: 2 } } });
  expect(doc).toEqual(before);
  expect(steps[0]!.value).toEqual({ a: { b: 1 } });
});

test('a key like __proto__ is a member', () => {
  const result = run({ op: 'add', path: '/data/__proto__', value: '1' }) as { data: object };
  expect(Object.getPrototypeOf(result.data)).toBe(Object.prototype);
  expect(JSON.stringify(result.data)).toBe('{"__proto__":"1","n":null,"x":"1"}');
});

test('copies may add 3 MiB', () => {
  const big = { a: 'x'.repeat(1024 * 1024 - 2) };
  const copy = (to: string) => ({ op: 'copy', from: '/a', path: `/${to}` });
  expect(() => applyJsonPatch(big, [copy('b'), copy('c'), copy('d')])).not.toThrow();
  expect(() => applyJsonPatch(big, [copy('b'), copy('c'), copy('d'), copy('e')])).toThrow(StatusError);
});

test.each<[unknown, string, string]>([
  [
    {},
    'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    'json: cannot unmarshal object into Go value of type jsonpatch.Patch',
  ],
  [
    [1],
    'error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp',
    'json: cannot unmarshal number into Go value of type jsonpatch.Operation',
  ],
  [
    [{ op: 'test', path: [] }],
    'error decoding patch: json: cannot unmarshal array into Go struct field jsonPatchOp.path of type string',
    '',
  ],
])('the shape of %j', (body, strict, lenient) => {
  expect(() => decodeJsonPatch(body, true)).toThrow(strict);
  if (lenient) expect(() => decodeJsonPatch(body, false)).toThrow(lenient);
  else expect(() => decodeJsonPatch(body, false)).not.toThrow();
});

test('null is no operation, a null operation an unknown one', () => {
  expect(decodeJsonPatch(null, true)).toEqual([]);
  expect(() => applyJsonPatch(doc, decodeJsonPatch([null], true))).toThrow(StatusError);
});

test('at most 10,000 operations', () => {
  const steps = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/q' }));
  expect(() => decodeJsonPatch(steps, true)).toThrow(
    'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
  );
});

test('unknown members', () => {
  const steps = decodeJsonPatch([{ op: 'test', path: '/q', zip: 1, value: { zap: 1 } }], true);
  expect(unknownMembers(steps)).toEqual(['json patch unknown field "[0].zip"']);
});

test('a number stays as it was written, and is tested and copied so', () => {
  const number = new Written('1.0');
  const operations = decodeJsonPatch(
    [
      { op: 'add', path: '/b', value: number },
      { op: 'test', path: '/b', value: number },
      { op: 'copy', from: '/b', path: '/c' },
    ],
    true,
    () =>
      '[{"op":"add","path":"/b","value":1.0},{"op":"test","path":"/b","value":1.0},{"op":"copy","from":"/b","path":"/c"}]',
  );
  expect(JSON.stringify(runJsonPatch({ a: 1 }, operations))).toBe('{"a":1,"b":1.0,"c":1.0}');
});

test('complaints follow each other as the operations do', () => {
  const [late, early] = ['json patch duplicate field "[10].path"', 'json patch unknown field "[9].zip"'];
  expect(inOrderOfOperations([late, early])).toEqual([early, late]);
});

test('may be interrupted after each operation', () => {
  const work = applyingJsonPatch(doc, [
    { op: 'add', path: '/list/-', value: 'd' },
    { op: 'test', path: '/data', value: { n: null, x: '1' } },
    { op: 'remove', path: '/data/n' },
  ]);
  let pieces = 1;
  let last = work.next();
  for (; !last.done; pieces++) last = work.next();
  expect(pieces).toBe(5);
  expect(last.value).toEqual({ ...doc, data: { x: '1' }, list: ['a', 'b', 'c', 'd'] });
});
