import { expect, it } from 'vitest';
import { addWarning } from '../context.ts';
import { warningHeaders } from './warnings.ts';

const shown = (texts: readonly string[]) => warningHeaders(texts).map((h) => Buffer.from(h, 'latin1').toString());

it.each<[string, string[], string[]]>([
  ['quotes', ['a "b" \\ c'], ['299 - "a \\"b\\" \\\\ c"']],
  ['any letters', ['ünï ☃'], ['299 - "ünï ☃"']],
  ['no control characters', ['a\tb', 'c\u0001', 'd'], ['299 - "d"']],
])('%s', (_, texts, expected) => expect(shown(texts)).toEqual(expected));

it.each<[string, number[], number[]]>([
  ['all fit', [2000, 2096], [2000, 2096]],
  ['one too long', [5000], [256]],
  ['together too long', [100, 3000, 3000, 10], [100, 256, 256, 10]],
  ['no room for the rest', [4000, ...Array(20).fill(300)], Array(16).fill(256)],
])('%s', (_, lengths, expected) => {
  const texts = lengths.map((length, i) => String.fromCharCode(97 + i).repeat(length));
  expect(shown(texts).map((header) => header.length - '299 - ""'.length)).toEqual(expected);
});

it('looks at no more warnings than can be sent', () => {
  const [some, many]: string[][] = [[], []];
  for (let i = 0; i < 5_000; i++) addWarning({ warnings: some! }, String(i));
  for (let i = 0; i < 300_000; i++) addWarning({ warnings: many! }, String(i));
  expect(many!.length).toBeLessThan(5_000);
  expect(warningHeaders(many!)).toEqual(warningHeaders(Array.from({ length: 5_000 }, (_, i) => String(i))));
  addWarning({ warnings: some! }, '1');
  expect(some).toEqual(many);
});
