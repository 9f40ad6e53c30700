import { expect, test } from 'vitest';
import { checkKey, keyOf, type ResourceDefinition, requestedKeyOf } from './resource.ts';

const maps = { prefix: '/registry/configmaps', namespaced: true } as ResourceDefinition;
const nodes = { prefix: '/registry/minions', namespaced: false } as ResourceDefinition;

test.each([
  [maps, '..', 'a', 500, 'invalid key: "/configmaps/../a"'],
  [maps, '.', 'a', 500, 'invalid key: "/configmaps/./a"'],
  [maps, 'x', '..', 400, 'Name parameter invalid: "..": may not be \'..\''],
  [nodes, '', 'a/b', 400, 'Name parameter invalid: "a/b": may not contain \'/\''],
])(
  'what would lead out of its place in the store is refused: %o %s %s',
  (definition, namespace, name, code, message) => {
    expect(() => requestedKeyOf(definition, namespace, name)).toThrow(expect.objectContaining({ code, message }));
  },
);

test('a key is the prefix, the namespace of what has one, and the name', () => {
  expect(requestedKeyOf(maps, '...', 'a')).toBe('/registry/configmaps/.../a');
  expect(keyOf(nodes, '', 'a')).toBe('/registry/minions/a');
  expect(() => checkKey(nodes, '..', '/registry/minions/a')).not.toThrow();
});
