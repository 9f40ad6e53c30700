import { describe, expect, it } from 'vitest';
import { abacAuthorizer, parsePolicyFile } from './abac.ts';
import { nonResourceAttributes, resourceAttributes } from './attributes.ts';

const user = (name: string, ...groups: string[]) => ({ name, uid: '', groups, extra: {} });
const policy = (spec: object) =>
  JSON.stringify({ apiVersion: 'abac.authorization.kubernetes.io/v1beta1', kind: 'Policy', spec });
const authorizerOf = (...lines: string[]) => abacAuthorizer(parsePolicyFile(lines.join('\n'), 'policies', () => {}));
const pods = { user: 'jane', namespace: 'a', resource: 'pods' };

describe('a policy', () => {
  const get = (more: object = {}) =>
    resourceAttributes({ user: user('jane', 'devs'), verb: 'get', resource: 'pods', namespace: 'a', ...more });
  it.each<[string, string, ReturnType<typeof get>, boolean]>([
    ['a resource', policy(pods), get(), true],
    ['another namespace', policy(pods), get({ namespace: 'b' }), false],
    ['another group of the API', policy(pods), get({ apiGroup: 'x' }), false],
    [
      'everything',
      policy({ user: 'jane', namespace: '*', resource: '*', apiGroup: '*' }),
      get({ apiGroup: 'x' }),
      true,
    ],
    ['somebody else', policy({ ...pods, user: 'joe' }), get(), false],
    ['a group', policy({ ...pods, user: '', group: 'devs' }), get(), true],
    ['a user in a group where he is not', policy({ ...pods, group: 'ops' }), get(), false],
    ['nobody', policy({ ...pods, user: '' }), get(), false],
    ['everybody, who is not known', policy({ ...pods, user: '*' }), get(), false],
    ['everybody', policy({ ...pods, user: '*' }), get({ user: user('x', 'system:authenticated') }), true],
    ['reading', policy({ ...pods, readonly: true }), get({ verb: 'watch' }), true],
    ['reading, for writing', policy({ ...pods, readonly: true }), get({ verb: 'delete' }), false],
    [
      'paths',
      policy({ user: 'jane', nonResourcePath: '/logs/*' }),
      nonResourceAttributes(user('jane'), 'get', '/logs/x'),
      true,
    ],
    [
      'other paths',
      policy({ user: 'jane', nonResourcePath: '/logs' }),
      nonResourceAttributes(user('jane'), 'get', '/logs/x'),
      false,
    ],
    ['paths, for a resource', policy({ user: 'jane', nonResourcePath: '*' }), get(), false],
    ['unversioned: all of somebody', '{"user": "jane"}', get({ apiGroup: 'x', verb: 'delete' }), true],
    ['unversioned: all paths', '{"user": "jane"}', nonResourceAttributes(user('jane'), 'post', '/x'), true],
    ['unversioned: a namespace', '{"user": "jane", "namespace": "b"}', get(), false],
    ['unversioned: for all', '{"readonly": true}', get({ user: user('x', 'system:authenticated') }), true],
  ])('for %s', (_, line, attributes, isAllowed) => {
    expect(authorizerOf('# comment', '', line).authorize(attributes)).toEqual(
      isAllowed ? { decision: 'allow', reason: '' } : { decision: 'no-opinion', reason: 'No policy matched.' },
    );
  });

  it('lists what somebody may do', () => {
    const all = { namespace: '*', resource: 'pods', nonResourcePath: '/x', user: 'jane' };
    expect(
      authorizerOf(policy({ ...all, readonly: true }), policy({ ...pods, user: 'joe' })).rulesFor(user('jane'), 'n'),
    ).toEqual({
      resourceRules: [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'], resourceNames: [] }],
      nonResourceRules: [{ verbs: ['get', 'list', 'watch'], nonResourceURLs: ['/x'] }],
      incomplete: false,
    });
  });
});

it.each([
  ['{', 'error reading policy file policies, line 2: {: '],
  ['{"user": 1}', 'error reading policy file policies, line 2: {"user": 1}: user must be a string'],
  [
    '{"apiVersion": "x/v1", "kind": "Policy"}',
    'line 2: {"apiVersion": "x/v1", "kind": "Policy"}: no kind "Policy" is registered for version "x/v1"',
  ],
])('the line %s is refused', (line, message) => {
  expect(() => authorizerOf('', line)).toThrow(message);
});
