import { expect, test } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { builtinRegistrations } from './index.ts';
import { buildResources, checkKey, keyOf, type ResourceDefinition, requestedKeyOf } from './resource.ts';

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

test.each([
  ['resource.k8s.io', 'v1', 'v1beta1', 'resourceclaims'],
  ['resource.k8s.io', 'v1', 'v1beta1', 'resourceclaimtemplates'],
  ['resource.k8s.io', 'v1', 'v1beta1', 'resourceslices'],
  ['autoscaling', 'v2', 'v1', 'horizontalpodautoscalers'],
])('without %s/%s, what is served in %s of %s is stored as ever', (group, best, other, resource) => {
  const registrations = builtinRegistrations({
    eventTtlSeconds: 1,
    services: { clusterIPRanges: ['10.0.0.0/24'] } as never,
    namespaceLabels: () => undefined,
    pods: { allowPrivileged: true },
  });
  const config = { [`${group}/${best}`]: 'false', [`${group}/${other}`]: 'true' };
  const served = buildResources(enabledGroups(config), registrations);
  expect(served.has(`${group}/${best}/${resource}`)).toBe(false);
  const { definition } = served.get(`${group}/${other}/${resource}`)!;
  expect(definition.storage).toEqual({ group, version: best });
  expect(definition.registration.conversions).toHaveProperty(other);
});
