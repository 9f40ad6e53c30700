import type { AllocationResult, ResourceClaim, ResourceClaimStatus } from '@keelson/api/generated/types/resource/v1';
import { expect, it } from 'vitest';
import { type Attributes, resourceAttributes } from '../../../authz/attributes.ts';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makeResourceClaimRegistration } from './index.ts';

const NODE = 'authentication.kubernetes.io/node-name';
const USER = { name: 'system:serviceaccount:drivers:d', uid: '', groups: [], extra: { [NODE]: ['n'] } };

const result = (device: string, adminAccess?: boolean) => ({
  request: 'r',
  driver: 'd',
  pool: 'p',
  device,
  conditions: null,
  ...(adminAccess === undefined ? {} : { adminAccess }),
});
const onNode = (node: string, ...results: AllocationResult['devices']['results'] & object): AllocationResult => ({
  devices: { results },
  nodeSelector: {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
  },
});
const told = (driver: string, data?: string) => ({
  driver,
  pool: 'p',
  device: 'a',
  conditions: null,
  ...(data === undefined ? {} : { data: { data } }),
});
const claim = (status: ResourceClaimStatus): ResourceClaim => ({
  metadata: {},
  spec: { devices: { requests: null } },
  status,
});

/** What is found when `user` may do what `allowed` lists, each as `verb resource namespace name`. */
async function findings(status: ResourceClaimStatus, old: ResourceClaimStatus, allowed: string[], user = USER) {
  const asked: string[] = [];
  const authorize = (a: Attributes) => {
    const question = `${a.verb} ${a.resource}/${a.subresource} ${a.namespace} ${a.name}`;
    asked.push(question);
    return { decision: allowed.includes(question) ? ('allow' as const) : ('no-opinion' as const), reason: 'why' };
  };
  const request = resourceAttributes({
    user,
    verb: 'update',
    apiGroup: 'resource.k8s.io',
    apiVersion: 'v1',
    resource: 'resourceclaims',
    subresource: 'status',
    namespace: 'default',
    name: 'c',
  });
  const view = makeResourceClaimRegistration(() => ({}), isEnabledByDefault, authorize).subresources!.status!.strategy;
  const ctx = testContext({ user, asked: () => request });
  return { asked, errors: texts(await view.checkAccess!(ctx, claim(status), claim(old))) };
}

const BIND = 'update resourceclaims/binding  ';
const OWN = 'associated-node:update resourceclaims/driver default d';
const ANY = 'arbitrary-node:update resourceclaims/driver default d';
const allocation = onNode('n', result('a'));

it.each<[string, ResourceClaimStatus, ResourceClaimStatus, string[], string[]]>([
  ['nothing changes', { allocation, devices: [told('d')] }, { allocation, devices: [told('d')] }, [], []],
  ['it is allocated', { allocation }, {}, [BIND], [BIND]],
  ['a driver of the node tells', { allocation, devices: [told('d')] }, { allocation }, [OWN], [OWN]],
  ['a driver of any node tells', { allocation, devices: [told('d')] }, { allocation }, [ANY], [OWN, ANY]],
  ['it is given back', {}, { allocation, devices: [told('d')] }, [BIND], [BIND]],
])('a user who may needs no more: %s', async (_, status, old, allowed, asked) => {
  expect(await findings(status, old, allowed)).toEqual({ asked, errors: [] });
});

const WHO = 'resourceclaims.resource.k8s.io';
const user = `User "${USER.name}"`;

it.each<[string, ResourceClaimStatus, ResourceClaimStatus, string[]]>([
  [
    'to reserve',
    { allocation, reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }] },
    { allocation },
    [
      `status.allocation: Forbidden: changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="update" permission: ${WHO} is forbidden: ${user} cannot update resource "resourceclaims/binding" in API group "resource.k8s.io" at the cluster scope: why`,
    ],
  ],
  [
    'to tell of devices of its own node',
    { allocation, devices: [told('d', 'new'), told('c')] },
    { allocation, devices: [told('d', 'old')] },
    ['c', 'd'].map(
      (driver) =>
        `status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[associated-node:update arbitrary-node:update]" permission: ${WHO} "${driver}" is forbidden: ${user} cannot associated-node:update resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "default": why`,
    ),
  ],
  [
    'to unsay what was told of devices of another node',
    { allocation: onNode('m', result('a')) },
    { allocation: onNode('m', result('a')), devices: [told('d')] },
    [
      `status.devices: Forbidden: changing status.devices requires resource="resourceclaims/driver", verb="[arbitrary-node:update]" permission: ${WHO} "d" is forbidden: ${user} cannot arbitrary-node:update resource "resourceclaims/driver" in API group "resource.k8s.io" in the namespace "default": why`,
    ],
  ],
])('it takes a right %s', async (_, status, old, errors) => {
  expect((await findings(status, old, [])).errors).toEqual(errors);
});

it('names the namespace before the right', async () => {
  const { errors } = await findings({ allocation: onNode('n', result('a', true)) }, {}, []);
  expect(errors.map((text) => text.split(': ', 2).join(': '))).toEqual([
    'status.allocation.devices.results[0].adminAccess: Forbidden',
    'status.allocation: Forbidden',
  ]);
});

it.each([
  ['a person', { ...USER, name: 'd' }],
  ['an account of several nodes', { ...USER, extra: { [NODE]: ['n', 'm'] } }],
])('%s is on no node', async (_, user) => {
  const { asked } = await findings({ allocation, devices: [told('d')] }, { allocation }, [], user);
  expect(asked).toEqual([ANY]);
});
