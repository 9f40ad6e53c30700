import type {
  MutatingAdmissionPolicyBindingSpec,
  ParamKind,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { TypedObject } from '@keelson/api/object';
import { expect, it } from 'vitest';
import type { Attributes } from '../../authz/attributes.ts';
import type { KindRegistration, StrategyContext } from '../../registry/strategy.ts';
import { testContext } from '../../registry/testing.ts';
import { guardParams } from './guard.ts';

const asked: Attributes[] = [];
const registration = (): KindRegistration => ({ strategy: { validate: () => [], validateUpdate: () => [] } });
const GROUP = 'admissionregistration.k8s.io';
const KINDS = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicybindings'];
const guarded = guardParams(Object.fromEntries(KINDS.map((kind) => [`${kind}.${GROUP}`, registration()])), {
  authorize: (attributes) => {
    asked.push(attributes);
    return { decision: attributes.name === 'mine' ? 'allow' : 'no-opinion', reason: '' };
  },
  resourcesOfKind: (_group, _version, kind) =>
    kind === 'ConfigMap' ? [{ resource: 'configmaps', namespaced: true }] : [],
  getPolicy: async (_kind, name) => (name === 'none' ? undefined : policy({ apiVersion: 'v1', kind: name })),
});

const user = { name: 'alice', uid: 'u', groups: ['a', 'b'], extra: { k: ['v'] } };
const alice: StrategyContext = { ...testContext(), user };
const SHOWN = '&{alice u [a b] map[k:[v]]}';

function policy(paramKind: ParamKind | undefined) {
  return { kind: 'Policy', metadata: { name: 'p' }, spec: paramKind ? { paramKind } : {} };
}
function binding(policyName: string, paramRef: MutatingAdmissionPolicyBindingSpec['paramRef']) {
  return { kind: 'Binding', metadata: { name: 'b' }, spec: { policyName, ...(paramRef ? { paramRef } : {}) } };
}
const create = (kind: string, object: TypedObject, ctx = alice) =>
  guarded[`${kind}.${GROUP}`]!.strategy.beginCreate!(ctx, object);

const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' };
const all = 'for all groups, versions and resources';
it.each<[string, TypedObject, string | undefined]>([
  [
    'validatingadmissionpolicies',
    policy(configMaps),
    `spec.paramKind: Forbidden: user ${SHOWN} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)`,
  ],
  ['validatingadmissionpolicies', policy(undefined), undefined],
  [
    'validatingadmissionpolicybindings',
    binding('ConfigMap', { name: 'x' }),
    `spec.paramRef: Forbidden: user ${SHOWN} does not have "get" permission on the object referenced by paramRef`,
  ],
  ['validatingadmissionpolicybindings', binding('ConfigMap', { name: 'mine' }), undefined],
  ['validatingadmissionpolicybindings', binding('ConfigMap', undefined), undefined],
  [
    'validatingadmissionpolicybindings',
    binding('ConfigMap', { selector: {} }),
    `user ${SHOWN} does not have "list" permission on the object referenced by paramRef`,
  ],
  [
    'mutatingadmissionpolicybindings',
    binding('ConfigMap', { name: 'x' }),
    `user get does not have "${SHOWN}" permission on the object referenced by paramRef`,
  ],
  [
    'validatingadmissionpolicybindings',
    binding('none', { name: 'x' }),
    `unable to get policy none to determine minimum required permissions and user ${SHOWN} does not have "get" permission ${all}`,
  ],
  [
    'validatingadmissionpolicybindings',
    binding('Nope', { name: 'x' }),
    `unable to resolve paramKind &{v1 Nope} to determine minimum required permissions and user ${SHOWN} does not have "get" permission ${all}`,
  ],
])('%s %j', async (kind, object, expected) => {
  if (expected === undefined) await create(kind, object);
  else await expect(create(kind, object)).rejects.toThrow(expected);
});

it('asks superusers nothing, and of what was written before only what has changed', async () => {
  asked.length = 0;
  await create('validatingadmissionpolicies', policy(configMaps), {
    ...alice,
    user: { ...user, groups: ['system:masters'] },
  });
  const update = guarded[`validatingadmissionpolicies.${GROUP}`]!.strategy.beginUpdate!;
  await update(alice, policy(configMaps), policy(configMaps));
  expect(asked).toEqual([]);
  await expect(update(alice, policy(configMaps), policy({ apiVersion: 'v1', kind: 'Pod' }))).rejects.toThrow(
    'paramKind',
  );
  expect(asked).toMatchObject([{ verb: 'get', resource: 'configmaps', name: '*', namespace: '*', apiVersion: 'v1' }]);
});
