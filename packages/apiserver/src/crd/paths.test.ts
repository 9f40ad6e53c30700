import { describe, expect, it } from 'vitest';
import { nestedInteger, nestedString, setNested } from './paths.ts';

const object = { spec: { replicas: 3, text: 'a', list: [1], none: null, half: 1.5, large: 1e20 } };

it.each<[string, number | undefined]>([
  ['.spec.replicas', 3],
  ['spec.replicas', 3],
  ['.spec.missing', undefined],
  ['.other.replicas', undefined],
])('%s', (path, value) => expect(nestedInteger(object, path)).toBe(value));

it.each([
  ['.spec.text', '.spec.text accessor error: a is of the type string, expected int64'],
  ['.spec.half', '.spec.half accessor error: 1.5 is of the type float64, expected int64'],
  ['.spec.large', '.spec.large accessor error: 1e+20 is of the type float64, expected int64'],
  ['.spec.none', '.spec.none accessor error: <nil> is of the type <nil>, expected int64'],
  ['.spec.list', '.spec.list accessor error: [1] is of the type []interface {}, expected int64'],
  [
    '.spec.text.deeper.still',
    '.spec.text.deeper accessor error: a is of the type string, expected map[string]interface{}',
  ],
])('%s is no integer', (path, message) => expect(() => nestedInteger(object, path)).toThrow(message));

it('a number is no text', () =>
  expect(() => nestedString(object, '.spec.replicas')).toThrow(
    '.spec.replicas accessor error: 3 is of the type int64, expected string',
  ));

describe('setNested', () => {
  it('makes what is missing on the way', () => {
    const target = {};
    setNested(target, '.spec.inner.replicas', 2);
    expect(target).toEqual({ spec: { inner: { replicas: 2 } } });
  });
  it('refuses to replace what is no object', () =>
    expect(() => setNested({ spec: 1 }, '.spec.replicas', 2)).toThrow(
      'value cannot be set because .spec is not a map[string]interface{}',
    ));
});
