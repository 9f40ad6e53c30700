import { describe, expect, it } from 'vitest';
import { typeOfKind } from '../schema.ts';
import { decodeJson, encodeJson } from './json.ts';
import { fixtures } from './testing.ts';
import { decodeYamlDocument, encodeYaml, encodingYaml, openYaml, readConfidentialYaml } from './yaml.ts';

const CONFIG_MAP = typeOfKind('', 'v1', 'ConfigMap')!;
const value = (text: string) => decodeYamlDocument(Buffer.from(text)).value;
const problem = (text: string): string => {
  try {
    openYaml(Buffer.from(text));
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe("upstream's encodings", () => {
  describe.each(fixtures().map((f) => [f.name, f] as const))('%s', (_, { type, json, yaml }) => {
    const { object } = decodeJson(json, type, { strict: true });
    it('is read', () => {
      const decoded = openYaml(yaml).decode(type, { strict: true });
      expect(decoded.strictErrors).toEqual([]);
      expect(encodeJson(decoded.object).toString()).toBe(encodeJson(object).toString());
    });
    it('is written', () => expect(encodeYaml(object).toString()).toBe(yaml.toString()));
  });
});

describe('what is read', () => {
  it.each([
    ['collections', 'a: 1\nb:\n- x\n- v: z\n  w: [1, {c: d}]\n', { a: 1, b: ['x', { v: 'z', w: [1, { c: 'd' }] }] }],
    ['a mark of the encoding', '\ufeffa: 1\nb: 2\n', { a: 1, b: 2 }],
    ['lists within lists', '- - a\n  - b\n-\n  - c\n- \n', [['a', 'b'], ['c'], null]],
    [
      'blocks',
      'a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\nc: |2+\n   x\n\n',
      { a: 'x\n y\n', b: 'x y\nz', c: ' x\n\n' },
    ],
    ['folded text', 'a: x\n  y\n\n  z\nb: "x\\\n  y\n\n  z"\n', { a: 'x y\nz', b: 'xy\nz' }],
    ['quotes', `a: 'it''s'\nb: "\\x41\\u00e9\\n"\n`, { a: "it's", b: 'Aé\n' }],
    [
      'booleans of YAML 1.1',
      'a: yes\nb: Off\nc: y\nd: "no"\ne: tRue\n',
      { a: true, b: false, c: true, d: 'no', e: 'tRue' },
    ],
    ['numbers', '[0x1F, 0o17, 017, 09, 1_000, 1e3, .5, +5, 0b11]', [31, 15, 15, 9, 1000, 1000, 0.5, 5, 3]],
    ['what is no number', '[1:30, 0x, 1.2.3, _1, 2001-12-14]', ['1:30', '0x', '1.2.3', '_1', '2001-12-14']],
    ['integers of many digits', `[${'1'.repeat(70)}, 0x${'0'.repeat(70)}1f]`, [Number('1'.repeat(70)), 31]],
    ['keys in lists within lists', '[[[{a: 1}, b: 2], c: 3], d: 4]', [[[{ a: 1 }, { b: 2 }], { c: 3 }], { d: 4 }]],
    ['large integers', '[9223372036854775807, 1e30]', [9223372036854775807n, 1e30]],
    ['null', 'a: ~\nb:\nc: null\n', { a: null, b: null, c: null }],
    ['keys that are no strings', '1: a\n2.5: b\ntrue: c\n', { 1: 'a', 2.5: 'b', true: 'c' }],
    ['anchors', 'a: &x [1]\nb: *x\n', { a: [1], b: [1] }],
    ['merges', 'a: &x {c: 1, d: 2}\nb: {d: 3, <<: *x, c: 4}\n', { a: { c: 1, d: 2 }, b: { c: 4, d: 2 } }],
    ['tags', 'a: !!str 5\nb: !!int "7"\nc: !x 1\nd: !!binary QUI=\n', { a: '5', b: 7, c: '1', d: 'AB' }],
    ['the first document', '---\na: 1\n---\nb: {\n', { a: 1 }],
    ['directives', '%YAML 1.1\n%TAG !e! tag:e.com:\n--- # x\na: !e!b c\n', { a: 'c' }],
    ['nothing', '# only this\n', null],
    ['JSON', '{"a": [1, 2.5, null, true, "\\u0041"], "b": {"c": {}}}', { a: [1, 2.5, null, true, 'A'], b: { c: {} } }],
    ['the numbers of JSON', '{"a": 1e3, "b": [2.0, 99999999999999999999]}', { a: 1000, b: [2, 1e20] }],
    ['pairs in flow lists', '[a: b, ? c : d]', [{ a: 'b' }, { c: 'd' }]],
    ['explicit keys', '? a\n: b\n? c\n', { a: 'b', c: null }],
  ])('%s', (_, text, expected) => expect(value(text)).toEqual(expected));
});

describe('errors', () => {
  it.each([
    ['a: b: c', 'mapping values are not allowed in this context'],
    ['a: 1\nb: 2\n c: 3\n', 'line 3: mapping values are not allowed in this context'],
    ['a: [', 'line 1: did not find expected node content'],
    ['a: [1, 2\nb: 3\n', "line 1: did not find expected ',' or ']'"],
    ['{a: 1', "line 1: did not find expected ',' or '}'"],
    ['a:\n  - b\n c: d\n', 'line 2: did not find expected key'],
    ['- a\nb\n', "line 3: could not find expected ':'"],
    ['a:\n\t- b\n', 'line 2: found character that cannot start any token'],
    ['a: @b\n', 'found character that cannot start any token'],
    ['a: "b', 'found unexpected end of stream'],
    ['a: "\\q"', 'found unknown escape character'],
    ['a: *b\n', "unknown anchor 'b' referenced"],
    ['a: &x [*x]\n', "anchor 'x' value contains itself"],
    ['a: - b\n', 'block sequence entries are not allowed in this context'],
    ['a: |x\n', 'did not find expected comment or line break'],
    ['a: \u0001', 'control characters are not allowed'],
    ['{{ .Values.x }}: 1\n', 'invalid map key: map[interface {}]interface {}{".Values.x":interface {}(nil)}'],
    ['<<: x\n', 'map merge requires map or sequence of maps as the value'],
    ['a: !!int x\n', 'cannot decode !!str `x` as a !!int'],
    ['['.repeat(10_001), 'exceeded max depth of 10000'],
  ])('%j', (text, message) => expect(problem(text)).toBe(`yaml: ${message}`));

  it('knows malformed UTF-8', () => {
    const read =
      (...bytes: number[]) =>
      () =>
        openYaml(Buffer.from([0x61, 0x3a, 0x20, ...bytes]));
    expect(read(0xff)).toThrow('yaml: invalid leading UTF-8 octet');
    expect(read(0xe2, 0x82)).toThrow('yaml: incomplete UTF-8 octet sequence');
    expect(read(0xc3, 0x41)).toThrow('yaml: invalid trailing UTF-8 octet');
  });
  it('says what JSON can not hold', () => {
    expect(() => value('a: .inf')).toThrow('error converting YAML to JSON: json: unsupported value: +Inf');
  });
  it('bounds aliases', () => {
    const bomb = Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${Array(9).fill(i === 0 ? 'x' : `*a${i - 1}`)}]`);
    expect(problem(bomb.join('\n'))).toBe('yaml: document contains excessive aliasing');
    const long = (times: number) => `a: &a ${'x'.repeat(100_000)}\nb: [${Array(times).fill('*a')}]`;
    expect([long(300), long(400)].map(problem)).toEqual(['', 'yaml: document contains excessive aliasing']);
  });
  it('complains as JSON does of what does not fit', () => {
    const text = Buffer.from('kind: ConfigMap\ndata:\n  x: 1\n');
    expect(() => openYaml(text).decode(CONFIG_MAP, { strict: true })).toThrow(
      'json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    );
  });
});

it('tells keys that are set twice', () => {
  const text = Buffer.from('kind: ConfigMap\ndata:\n  x: "1"\n  x: "2"\n1: a\nkind: ConfigMap\n1: b\n');
  const { object, strictErrors } = openYaml(text).decode(CONFIG_MAP, { strict: true });
  expect(object.data).toEqual({ x: '2' });
  expect(strictErrors).toEqual([
    'yaml: unmarshal errors:\n  line 4: key "x" already set in map\n  line 6: key "kind" already set in map\n  line 7: key 1 already set in map',
    'unknown field "1"',
  ]);
  expect(decodeYamlDocument(text).duplicates[0]).toBe('line 4: key "x" already set in map');
});

it('is written in pieces where it is large, whose texts are those of the whole', () => {
  const list = Array.from({ length: 10_000 }, (_, i) => ({ name: `a-${i}`, text: 'é'.repeat(i % 90) }));
  const work = encodingYaml({ list });
  let pieces = 1;
  let result = work.next();
  for (; !result.done; result = work.next()) pieces++;
  expect(pieces).toBeGreaterThan(10_000 / 256);
  expect(decodeYamlDocument(result.value).value).toEqual({ list });
});

describe('what is written', () => {
  const written = (object: object) => encodeYaml(object).toString();
  it.each([
    [
      'zeros in natural order',
      { a10: 1, a1: 2, a100: 3, a05: 4, a5: 5, x1y0: 6, x1y00: 7 },
      'a1: 2\na5: 5\na05: 4\na10: 1\na100: 3\nx1y0: 6\nx1y00: 7\n',
    ],
    ['natural order', { b10: 1, b2: 2, B: 3, a: 4, '1': 5 }, '"1": 5\nB: 3\na: 4\nb2: 2\nb10: 1\n'],
    [
      'lists at the column of their key',
      { a: [{ b: [[], {}], c: 'd' }, ['e']] },
      'a:\n- b:\n  - []\n  - {}\n  c: d\n- - e\n',
    ],
    [
      'quotes',
      ['', 'yes', '1', '1:30', '2001-12-14', '<<', 'null', '~'],
      '- ""\n- "yes"\n- "1"\n- "1:30"\n- "2001-12-14"\n- "<<"\n- "null"\n- "~"\n',
    ],
    [
      'single quotes',
      ['a: b', "it's: x", ' a', '- a', '#', '@x'],
      "- 'a: b'\n- 'it''s: x'\n- ' a'\n- '- a'\n- '#'\n- '@x'\n",
    ],
    ['no quotes', ['a:b', '-a', 'a#b', 'a,b', '?a', 'x y'], '- a:b\n- -a\n- a#b\n- a,b\n- ?a\n- x y\n'],
    ['escapes', ['a\tb', '\u0000', '\u{1f600}', 'a \nb'], '- "a\\tb"\n- "\\0"\n- "\\U0001F600"\n- "a \\nb"\n'],
    ['blocks', { a: 'x\ny\n', b: 'x\n\n y', c: '\nx\n\n' }, 'a: |\n  x\n  y\nb: |-\n  x\n\n   y\nc: |2+\n\n  x\n\n'],
    [
      'numbers',
      [1, 1.5, 1e21, 1e-7, 1234567.5, 9223372036854775807n],
      '- 1\n- 1.5\n- 1e+21\n- 1e-07\n- 1.2345675e+06\n- 9223372036854775807\n',
    ],
    ['long keys', { ['k'.repeat(129)]: 1 }, `? ${'k'.repeat(129)}\n: 1\n`],
    ['long lines', { a: `${'word '.repeat(20)}end` }, `a: ${'word '.repeat(15)}word\n  ${'word '.repeat(4)}end\n`],
  ])('%s', (_, object, text) => expect(written(object)).toBe(text));
});

describe('what is wrong with a text of secrets', () => {
  const told = (text: string): string => {
    try {
      readConfidentialYaml(text);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([
    ['a: hunter2\nb: hunter2: x\n', 'line 2, column 11: mapping values are not allowed in this context'],
    ['a: [hunter2\nb: c\n', "line 2, column 2: did not find expected ',' or ']'"],
    ['keys:\n- secret: *hunter2\n', 'line 2, column 11: unknown anchor referenced'],
    ['keys:\n  - secret: !!int hunter2\n', 'line 2, column 13: cannot decode !!str as a !!int'],
    ['keys:\n  - secret: !!binary hunter2\n', 'line 2, column 13: !!binary value contains invalid base64 data'],
    ['a:\n  {hunter2: x}: y\n', 'line 2, column 3: invalid map key'],
    ['a: "hunter2', 'line 1, column 12: found unexpected end of stream'],
    ['a: @hunter2', 'line 1, column 4: found character that cannot start any token'],
    ['keys:\n\t- hunter2', 'line 2, column 1: found character that cannot start any token'],
    ['keys:\n  - name: a\n   secret: hunter2\n', "line 3, column 4: did not find expected '-' indicator"],
  ])('%j is told without a word of it', (text, message) => {
    expect(told(text)).toBe(`error converting YAML to JSON: yaml: ${message}`);
  });

  it('a key that JSON does not know is not told', () => {
    expect(told('a: {~: hunter2}')).toBe('error converting YAML to JSON: a key or a value that JSON does not know');
  });
});
