import { atOnce } from '@keelson/api/pieces';
import { expect, test } from 'vitest';
import { applyBody, jsonPatchBody } from './patchbody.ts';

const CANNOT = 'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal';
const MAP = 'into Go value of type map[string]interface {}';

test.each<[string, unknown]>([
  ['a: 1', { a: 1 }],
  ['null', null],
  ['', null],
  ['[1]', `${CANNOT} array ${MAP}`],
  ['x', `${CANNOT} string ${MAP}`],
  ['5', `${CANNOT} number ${MAP}`],
  ['true', `${CANNOT} bool ${MAP}`],
])('the body of an apply: %j', (text, expected) => {
  if (typeof expected === 'string') expect(() => applyBody(Buffer.from(text))).toThrow(expected);
  else expect(applyBody(Buffer.from(text)).value).toEqual(expected);
});

test.each([
  ['{"b":1.5,"a":[1.0,{"c":1e0,"b":-10e-1}],"1":"1.0"}', '{"1":"1.0","a":[1.0,{"b":-10e-1,"c":1e0}],"b":1.5}'],
  ['{"a":1.5,"b":"1.0"}', undefined],
  ['{"a":1}', undefined],
])('numbers of a patch as they were written: %s', (text, expected) => {
  const { written } = atOnce(jsonPatchBody(Buffer.from(text)));
  expect(written === undefined ? undefined : JSON.stringify(written)).toBe(expected);
});
