import { expect, test } from 'vitest';
import { mediaTypeOf } from './mediatype.ts';

test.each([
  ['application/json', 'application/json'],
  [' Application/JSON ; charset=utf-8', 'application/json'],
  ['application/json;', 'application/json'],
  ['application/json; ; ', undefined],
  ['application/json; a="b; c=\\"d"; e = f', 'application/json'],
  ['application/json;charset', undefined],
  ['application/json;charset=', undefined],
  ['application/json;a="b', undefined],
  ['application/json;a=b;A=c', undefined],
  ['application/json, application/yaml', 'application/json, application/yaml'],
  [`application/json;a=b${' '.repeat(200_000)}!`, undefined],
  ['', ''],
])('%s', (header, expected) => expect(mediaTypeOf(header)).toBe(expected));
