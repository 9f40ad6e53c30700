import { expect, it } from 'vitest';
import { JsonPathError, parseJsonPath } from './jsonpath.ts';

const object = {
  metadata: { annotations: { 'a.b/c': 'dotted' } },
  spec: { n: 3, list: [{ x: 'p', n: 1 }, { x: 'q', n: 2 }, { y: 1 }], map: { b: 2, a: 1 } },
  status: {
    conditions: [
      { type: 'A', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
  },
};

it.each<[string, unknown[]]>([
  ['.spec.n', [3]],
  ['$.spec.n', [3]],
  ['.spec.missing.deeper', []],
  ['.spec.list[*].x', ['p', 'q']],
  ['.spec.list[0].x', ['p']],
  ['.spec.list[-1].y', [1]],
  ['.spec.list[0:2].x', ['p', 'q']],
  ['.spec.list[::2].n', [1]],
  ['.spec.list[0,1].x', ['p', 'q']],
  ['.spec.map.*', [1, 2]],
  [".spec['map'].b", [2]],
  [".spec['map','n']", [{ b: 2, a: 1 }, 3]],
  // A key in quotes is a path of its own.
  [".metadata.annotations['a.b/c']", []],
  [".metadata.annotations['a\\.b/c']", ['dotted']],
  [".spec['map.b']", [2]],
  ['..type', ['A', 'Ready']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type == 'Ready')].status", ['True']],
  ['.status.conditions[?(@.type!="Ready")].type', ['A']],
  ['.spec.list[?(@.n>1)].x', ['q']],
  ['.spec.list[?(@.x)].n', [1, 2]],
  ['.metadata.annotations.a\\.b/c', ['dotted']],
])('%s', (path, found) => expect(parseJsonPath(path)(object)).toEqual(found));

it.each(['.spec.list[7]', '.spec.map[0]', '.spec.n[0]', ".spec['a b']"])('%s leads nowhere', (path) =>
  expect(() => parseJsonPath(path)(object)).toThrow(JsonPathError),
);

it.each(['.spec[', '.spec.list[?(@.x==)]', '.', '.spec.list[abc]', '.a b', '.spec.list[?(@.x=="p"].y'])(
  '%s is no path',
  (path) => expect(() => parseJsonPath(path)).toThrow(JsonPathError),
);
