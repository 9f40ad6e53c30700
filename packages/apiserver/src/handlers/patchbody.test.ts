import { expect, test } from 'vitest';
import { applyBody } from './patchbody.ts';

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
