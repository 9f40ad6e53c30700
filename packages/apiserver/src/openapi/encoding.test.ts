import { describe, expect, it } from 'vitest';
import { fnv64, goJson, goYaml } from './encoding.ts';
import { fingerprint, gapsOf, squeeze, withGaps } from './texts.ts';

it('goJson escapes what would matter in HTML', () => {
  expect(goJson({ a: '<b> & c\u2028' })).toBe('{"a":"\\u003cb\\u003e \\u0026 c\\u2028"}');
});

it.each([
  ['', 'cbf29ce484222325'],
  ['a', 'af63bd4c8601b7be'],
  ['foobar', '340d8765a4dda9c2'],
])('fnv64(%j) is FNV-1', (text, hex) => expect(fnv64(text).toString('hex')).toBe(hex));

describe('goYaml', () => {
  it.each<[unknown, string]>([
    ['list', 'list\n'],
    ['', '""\n'],
    ['*', "'*'\n"],
    ['true', '"true"\n'],
    ['1.5', '"1.5"\n'],
    ["it's: fine", "'it''s: fine'\n"],
    [true, 'true\n'],
    [3, '3\n'],
    [[], '[]\n'],
    [{}, '{}\n'],
    [['a', 'b'], '- a\n- b\n'],
    [{ group: '', kind: 'Pod' }, 'group: ""\nkind: Pod\n'],
    [[{ a: 'x', b: 'y' }], '- a: x\n  b: "y"\n'],
    [{ a: { b: ['c'] } }, 'a:\n    b:\n        - c\n'],
    [[{ a: { b: 'c' } }], '- a:\n    b: c\n'],
  ])('%j', (value, yaml) => expect(goYaml(value)).toBe(yaml));
});

describe('texts', () => {
  it.each(['one two', 'one\n\ntwo three', ' \tone\n - two  three\n', 'one'])(
    '%j is restored from its words',
    (text) => {
      expect(withGaps(squeeze(text), gapsOf(text))).toBe(text);
    },
  );

  it('have one fingerprint whatever their gaps', () => {
    expect(fingerprint('a\n\nb c ')).toBe(fingerprint('a b  c'));
    expect(fingerprint('a b')).not.toBe(fingerprint('a c'));
  });
});
