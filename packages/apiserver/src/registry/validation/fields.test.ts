import { Path } from '@keelson/api/field';
import { describe, expect, it } from 'vitest';
import { immutableField, nonNegative, positive, semanticEqual } from './fields.ts';

describe('semanticEqual', () => {
  it.each([
    [
      { a: 1, b: [1] },
      { b: [1], a: 1 },
    ],
    [undefined, null],
    [[], undefined],
    [{ a: [] }, {}],
    [{}, { a: null }],
    [{ resources: { limits: { memory: '1Gi' } } }, { resources: { limits: { memory: '1073741824' } } }],
    [{ emptyDir: { sizeLimit: '1Gi' } }, { emptyDir: { sizeLimit: '1024Mi' } }],
  ])('%j is %j', (a, b) => expect(semanticEqual(a, b)).toBe(true));

  it.each([
    [{}, undefined],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], { 0: 1 }],
    ['', undefined],
    [{ limits: { memory: '1Gi' } }, { limits: { memory: '2Gi' } }],
    [{ env: [{ name: 'A', value: '1' }] }, { env: [{ name: 'A', value: '1000m' }] }],
    [{ labels: { limits: '1' } }, { labels: { limits: '1000m' } }],
    [{ a: 1 }, { a: 1, b: 0 }],
  ])('%j is not %j', (a, b) => expect(semanticEqual(a, b)).toBe(false));
});

describe('checks of fields', () => {
  const path = Path.of('spec', 'x');
  it.each([
    [nonNegative(0, path), []],
    [nonNegative(-1, path), ['spec.x: Invalid value: -1: must be greater than or equal to 0']],
    [positive(0, path), ['spec.x: Invalid value: 0: must be greater than 0']],
    [immutableField('a', 'a', path), []],
    [immutableField('', 'a', path), ['spec.x: Invalid value: "": field is immutable']],
    [immutableField(undefined, { a: 1 }, path), ['spec.x: Invalid value: null: field is immutable']],
  ])('%#', (errors, expected) => expect(errors.map(String)).toEqual(expected));
});
