import { expect, it } from 'vitest';
import { trimmed, withoutEnd } from './trim.ts';

const isSpace = (character: string) => character === ' ';

it.each([
  ['', ''],
  ['  ', ''],
  [' a b  ', 'a b'],
  ['a', 'a'],
  [`x${' '.repeat(500_000)}x`, `x${' '.repeat(500_000)}x`],
])('trims %#', (text, expected) => expect(trimmed(text, isSpace)).toBe(expected));

it.each([
  ['/a//', '/a'],
  ['//', ''],
  ['/a//b', '/a//b'],
])('takes %s for %s', (path, expected) => expect(withoutEnd(path, '/')).toBe(expected));
