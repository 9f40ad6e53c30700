import { describe, expect, test } from 'vitest';
import { type Authorize, forbiddenError, nonResourceAttributes, resourceAttributes } from './attributes.ts';
import { authorizerChain, inOrder } from './chain.ts';
import type { AuthorizationMode } from './configuration.ts';

const user = { name: 'alice', uid: '', groups: ['devs'], extra: {} };
const asked = resourceAttributes({ user, verb: 'get', resource: 'pods' });
const says =
  (decision: 'allow' | 'deny' | 'no-opinion', reason: string): Authorize =>
  () => ({ decision, reason });

describe('the chain', () => {
  test('stops at the first that decides', async () => {
    const later: Authorize = () => {
      throw new Error('asked too late');
    };
    expect(await inOrder([says('no-opinion', 'a'), says('deny', 'b'), later])(asked)).toEqual({
      decision: 'deny',
      reason: 'b',
    });
  });
  test('goes on after a promise', async () => {
    const slow: Authorize = async () => ({ decision: 'no-opinion', reason: 'slow', error: new Error('broken') });
    const outcome = await inOrder([says('no-opinion', 'a'), slow, says('no-opinion', '')])(asked);
    expect(outcome).toMatchObject({ decision: 'no-opinion', reason: 'a\nslow' });
    expect(outcome.error?.message).toBe('broken');
  });
  const chain = (...types: AuthorizationMode[]) =>
    authorizerChain(
      types.map((type) => ({ type, name: type.toLowerCase(), authorizer: undefined })),
      { counted: (_, __, authorize) => authorize },
    );
  test('lets masters do everything', () => {
    const { authorize } = chain('AlwaysDeny');
    expect(authorize(asked)).toEqual({ decision: 'no-opinion', reason: 'Everything is forbidden.' });
    expect(authorize({ ...asked, user: { ...user, groups: ['system:masters'] } })).toMatchObject({ decision: 'allow' });
  });
  test('is of those that the server has started with', () => {
    expect(() => chain()).toThrow('at least one authorization mode must be passed');
    expect(() => chain('AlwaysAllow', 'RBAC')).toThrow(
      'authorizer type RBAC is not allowed if it was not enabled at initial server startup',
    );
  });
});

test.each([
  [
    resourceAttributes({ user, verb: 'list', resource: 'pods' }),
    '',
    'pods is forbidden: User "alice" cannot list resource "pods" in API group "" at the cluster scope',
  ],
  [
    resourceAttributes({
      user,
      verb: 'get',
      apiGroup: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'ns',
      name: 'd',
    }),
    'why',
    'deployments.apps "d" is forbidden: User "alice" cannot get resource "deployments/scale" in API group "apps" in the namespace "ns": why',
  ],
  [
    nonResourceAttributes({ ...user, name: '<b>' }, 'get', '/x'),
    '',
    'forbidden: User "&lt;b&gt;" cannot get path "/x"',
  ],
])('the refusal of %#', (attributes, reason, message) => {
  expect(forbiddenError(attributes, reason).message).toBe(message);
});
