import { describe, expect, it } from 'vitest';
import { readRecord, readRecords } from './csv.ts';

describe('records', () => {
  it.each([
    ['', []],
    ['\n\r\n', []],
    ['a,b\nc', [['a', 'b'], ['c']]],
    [
      'a,b\r\n\r\n"c ""d""",\r',
      [
        ['a', 'b'],
        ['c "d"', ''],
      ],
    ],
    ['"a\nb",c\n', [['a\nb', 'c']]],
  ])('of %j', (text, records) => {
    expect(readRecords(text)).toEqual(records);
    if (records[0]) expect(readRecord(text)).toEqual(records[0]);
  });

  it.each([
    ['a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
    ['a\n\n"b"c', 'parse error on line 3, column 3: extraneous or missing " in quoted-field'],
    ['"a\nb', 'record on line 1; parse error on line 2, column 2: extraneous or missing " in quoted-field'],
  ])('are not in %j', (text, problem) => expect(() => readRecords(text)).toThrow(new Error(problem)));

  it('are wanted where one is', () => expect(() => readRecord('\n')).toThrow('EOF'));
});
