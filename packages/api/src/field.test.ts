import { expect, it } from 'vitest';
import { goJSON, invalid, named, notSupported, Path, plain } from './field.ts';

const at = Path.of('spec', 'x');

it.each([
  [invalid(at, 'a<b', 'no'), 'spec.x: Invalid value: "a<b": no'],
  [invalid(at, named('a<b'), 'no'), 'spec.x: Invalid value: "a\\u003cb": no'],
  [notSupported(at, '<no value>', ['A']), 'spec.x: Unsupported value: "\\u003cno value\\u003e": supported values: "A"'],
  [notSupported(at, plain('<no value>'), ['A']), 'spec.x: Unsupported value: "<no value>": supported values: "A"'],
  [notSupported(at, 'a\u00ad', []), 'spec.x: Unsupported value: "a\u00ad"'],
  [notSupported(at, plain('a\u00ad'), []), 'spec.x: Unsupported value: "a\\u00ad"'],
  [notSupported(at, undefined, ['A']), 'spec.x: Unsupported value: null: supported values: "A"'],
])('%s', (error, expected) => expect(String(error)).toBe(expected));

it('writes integers of 64 bits', () => expect(goJSON({ a: [2n ** 63n - 1n] })).toBe('{"a":[9223372036854775807]}'));
