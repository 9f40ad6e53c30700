import { describe, expect, test } from 'vitest';
import { type Attributes, type Authorize, resourceAttributes } from '../../authz/attributes.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { HeaderValues } from '../headers.ts';
import { Impersonation, wantedUser } from './index.ts';

const user = (name: string, more: Partial<UserInfo> = {}): UserInfo => ({
  name,
  uid: '',
  groups: [],
  extra: {},
  ...more,
});
const agent = user('system:serviceaccount:ns:agent', {
  extra: { 'authentication.kubernetes.io/node-name': ['n1'], 'authentication.kubernetes.io/pod-name': ['p'] },
});
const asked = (requestor: UserInfo): Attributes =>
  resourceAttributes({ user: requestor, verb: 'get', resource: 'namespaces', namespace: 'ns', name: 'ns' });

/** Permits what `grants` lists as `verb resource[/subresource][=name]`, and notes what it was asked. */
function authorizer(...grants: string[]): { authorize: Authorize; asked: string[] } {
  const log: string[] = [];
  return {
    asked: log,
    authorize: (a) => {
      const what = `${a.verb} ${a.resource}${a.subresource ? `/${a.subresource}` : ''}`;
      log.push(`${what}=${a.name}`);
      const allowed = grants.includes(what) || grants.includes(`${what}=${a.name}`);
      return { decision: allowed ? 'allow' : 'no-opinion', reason: '' };
    },
  };
}

describe('headers', () => {
  test('name a user', () => {
    const headers = HeaderValues.of({
      'Impersonate-User': 'bob',
      'Impersonate-Group': ['a', 'b, c'],
      'Impersonate-Extra-Acme%2Fx': ['1', '2'],
    });
    expect(wantedUser(headers)).toEqual(user('bob', { groups: ['a', 'b, c'], extra: { 'acme/x': ['1', '2'] } }));
    expect(wantedUser(HeaderValues.of({ accept: '*/*' }))).toBeUndefined();
  });
  test('are in UTF-8', () => {
    const bytes = Buffer.from('Jürgen').toString('latin1');
    expect(wantedUser(HeaderValues.of({ 'Impersonate-User': bytes }))?.name).toBe('Jürgen');
  });
  test.each([
    [{ 'impersonate-group': 'devs' }, 'Name:"", UID:"", Groups:[]string{"devs"}, Extra:map[string][]string(nil)'],
    [{ 'impersonate-uid': 'x' }, 'Name:"", UID:"x", Groups:[]string(nil), Extra:map[string][]string(nil)'],
    [
      { 'impersonate-extra-a': 'x' },
      'Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"a":[]string{"x"}}',
    ],
  ])('without a user are refused: %j', (headers, shown) => {
    expect(() => wantedUser(HeaderValues.of(headers))).toThrow(
      `requested &user.DefaultInfo{${shown}} without impersonating a user name`,
    );
  });
});

describe('impersonation', () => {
  const impersonate = (authorize: Authorize, wanted: UserInfo, requestor: UserInfo) =>
    new Impersonation(authorize, { now: () => 1, isConstrained: true }).impersonate(wanted, asked(requestor));

  test.each([
    ['alice', 'user-info'],
    ['system:serviceaccount:other:sa', 'serviceaccount'],
    ['system:node:n2', 'arbitrary-node'],
    ['system:node:n1', 'associated-node'],
  ])('of %s without any right is refused in the mode %s', async (name, mode) => {
    await expect(impersonate(authorizer().authorize, user(name), agent)).rejects.toThrow(
      `namespaces "ns" is forbidden: User "${agent.name}" cannot impersonate-on:${mode}:get resource "namespaces" in API group "" in the namespace "ns"`,
    );
  });

  test('without constraints is refused in the old words alone', async () => {
    const impersonation = new Impersonation(authorizer('impersonate:user-info users=alice').authorize, {
      now: () => 1,
      isConstrained: false,
    });
    await expect(impersonation.impersonate(user('alice'), asked(agent))).rejects.toThrow(
      `users "alice" is forbidden: User "${agent.name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
  });

  test('by the old right works, and from then on is told in the old words', async () => {
    const { authorize } = authorizer('impersonate users=alice');
    const impersonation = new Impersonation(authorize, { now: () => 1, isConstrained: true });
    expect(await impersonation.impersonate(user('alice'), asked(agent))).toEqual({
      user: user('alice', { groups: ['system:authenticated'] }),
      constraint: '',
    });
    await expect(impersonation.impersonate(user('bob'), asked(agent))).rejects.toThrow(
      `users "bob" is forbidden: User "${agent.name}" cannot impersonate resource "users" in API group "" at the cluster scope`,
    );
  });

  test.each([
    [
      user('system:serviceaccount:a:b'),
      ['impersonate serviceaccounts=b'],
      ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
    ],
    [
      user('system:serviceaccount:a:b', { groups: ['g'] }),
      ['impersonate serviceaccounts=b', 'impersonate groups=g'],
      ['g', 'system:authenticated'],
    ],
    [user('system:anonymous'), ['impersonate users'], ['system:unauthenticated']],
    [
      user('system:node:n2'),
      ['impersonate-on:arbitrary-node:get namespaces', 'impersonate:arbitrary-node nodes=n2'],
      ['system:nodes', 'system:authenticated'],
    ],
    [
      user('system:node:n1'),
      ['impersonate-on:associated-node:get namespaces', 'impersonate:associated-node nodes=*'],
      ['system:nodes', 'system:authenticated'],
    ],
    [
      user('bob', { groups: ['system:unauthenticated'] }),
      ['impersonate users', 'impersonate groups'],
      ['system:unauthenticated'],
    ],
  ])('gives the groups of %#', async (wanted, grants, groups) => {
    const { user: actual } = await impersonate(authorizer(...grants).authorize, wanted, agent);
    expect(actual).toEqual({ ...wanted, groups });
  });

  test('in the constrained mode shuns masters and odd extras', async () => {
    const all = ['impersonate-on:user-info:get namespaces', 'impersonate:user-info users'];
    const refused = (more: Partial<UserInfo>) => impersonate(authorizer(...all).authorize, user('bob', more), agent);
    await expect(refused({ groups: ['system:masters'] })).rejects.toThrow(
      'impersonating the system:masters group is not allowed',
    );
    await expect(refused({ groups: [''] })).rejects.toThrow('impersonating the empty string group is not allowed');
    await expect(refused({ extra: { nope: ['x'] } })).rejects.toThrow(
      'impersonating an invalid key in extra is not allowed',
    );
  });

  test('asks once for many groups, and remembers for ten seconds', async () => {
    let now = 1000;
    const grants = [
      'impersonate-on:user-info:get namespaces',
      'impersonate:user-info users',
      'impersonate:user-info groups=*',
    ];
    const { authorize, asked: log } = authorizer(...grants);
    const impersonation = new Impersonation(authorize, { now: () => now, isConstrained: true });
    const many = user('bob', { groups: ['a', 'b', 'c', 'd'] });
    await impersonation.impersonate(many, asked(agent));
    expect(log).toEqual([
      'impersonate-on:user-info:get namespaces=ns',
      'impersonate:user-info users=bob',
      'impersonate:user-info groups=*',
    ]);
    now = 10_999;
    await impersonation.impersonate(many, asked(agent));
    expect(log).toHaveLength(3);
    now = 11_001;
    await impersonation.impersonate(many, asked(agent));
    expect(log).toHaveLength(6);
  });
});
