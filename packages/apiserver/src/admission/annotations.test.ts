import { expect, test } from 'vitest';
import { isAnnotationKey } from './annotations.ts';

test.each([
  ['hook.example.com/why', true],
  ['hook.example.com/a.b_C-1', true],
  ['why', false],
  ['hook.example.com/', false],
  ['hook.example.com/a.example.com/b', false],
  ['hook.example.com/Bad Key!', false],
])('%j is the key of an annotation: %s', (key, expected) => {
  expect(isAnnotationKey(key)).toBe(expected);
});
