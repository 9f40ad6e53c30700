import { Path } from '@keelson/api/field';
import { describe, expect, it } from 'vitest';
import { immutableField, nonNegative, positive } from './fields.ts';

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
