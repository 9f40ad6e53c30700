import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { describe, expect, it, test } from 'vitest';
import { claimKeysOf, isDone, needsWork } from './decide.ts';
import { claimFor, generateNameOf } from './generate.ts';

interface Given {
  node?: string;
  phase?: string;
  deleted?: boolean;
  /** What the status says of the claim `c`. */
  made?: string | null;
  named?: string;
  template?: string;
}

function pod({ node, phase = 'Pending', deleted, made, named, template }: Given): Pod {
  return {
    metadata: {
      namespace: 'ns',
      name: 'p',
      uid: 'u',
      ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      containers: [],
      ...(node ? { nodeName: node } : {}),
      resourceClaims: [
        {
          name: 'c',
          ...(named ? { resourceClaimName: named } : {}),
          ...(template ? { resourceClaimTemplateName: template } : {}),
        },
      ],
    },
    status: {
      phase,
      ...(made === undefined
        ? {}
        : { resourceClaimStatuses: [{ name: 'c', ...(made ? { resourceClaimName: made } : {}) }] }),
    },
  };
}

const claim = (status: ResourceClaim['status'] = {}, owner = 'u'): ResourceClaim => ({
  metadata: {
    namespace: 'ns',
    name: 'x',
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner, controller: true }],
  },
  spec: { devices: { requests: [] } },
  status,
});
const allocation = { devices: { results: [] } };
const reserved = (uid: string) => ({ allocation, reservedFor: [{ resource: 'pods', name: 'p', uid }] });

test.each<[string, Given, ResourceClaim | undefined, boolean]>([
  ['a template that is no claim yet', { template: 't' }, undefined, true],
  ['a template that needs none', { template: 't', made: null }, undefined, false],
  ['one that was made', { template: 't', made: 'x' }, claim(), false],
  ['one that was made and has vanished', { template: 't', made: 'x' }, undefined, true],
  ['one of the same name that is not its own', { template: 't', made: 'x' }, claim({}, 'v'), false],
  ['one that its author has to make', { named: 'x' }, undefined, false],
  ['neither name nor template', {}, undefined, true],
  ['allocated, without a node', { named: 'x' }, claim({ allocation }), false],
  ['allocated, with a node', { named: 'x', node: 'n' }, claim({ allocation }), true],
  ['allocated to others as well', { named: 'x', node: 'n' }, claim(reserved('v')), true],
  ['reserved', { named: 'x', node: 'n' }, claim(reserved('u')), false],
  ['not allocated', { named: 'x', node: 'n' }, claim(), false],
  ['a pod that goes', { template: 't', deleted: true }, undefined, false],
])('%s: there is work to do, or not', (_, given, found, expected) => {
  expect(needsWork(pod(given), (key) => (key === 'ns/x' ? found : undefined))).toBe(expected);
});

test.each<[Given, boolean]>([
  [{ phase: 'Running', node: 'n' }, false],
  [{ phase: 'Succeeded', node: 'n' }, true],
  [{ phase: 'Failed' }, true],
  [{ deleted: true }, true],
  [{ deleted: true, node: 'n' }, false],
])('a pod %j will not run any more: %s', (given, expected) => expect(isDone(pod(given))).toBe(expected));

test('claims of a pod are those it names, those made for it, and those for its extended resources', () => {
  const given = pod({ named: 'a' });
  given.spec.resourceClaims!.push(
    { name: 'd', resourceClaimTemplateName: 't' },
    { name: 'e', resourceClaimTemplateName: 't' },
  );
  given.status.resourceClaimStatuses = [{ name: 'd', resourceClaimName: 'p-d-1' }];
  given.status.extendedResourceClaimStatus = { requestMappings: [], resourceClaimName: 'p-extended' };
  expect(claimKeysOf(given)).toEqual(['ns/a', 'ns/p-d-1', 'ns/p-extended']);
});

describe('a claim of a template', () => {
  it('belongs to the pod, and says which of its claims it is', () => {
    const template = {
      metadata: { name: 't' },
      spec: {
        metadata: { labels: { l: '1' }, annotations: { a: '2' } },
        spec: { devices: { requests: [{ name: 'r' }] } },
      },
    };
    expect(claimFor(pod({}), { name: 'c' }, template)).toEqual({
      metadata: {
        namespace: 'ns',
        generateName: 'p-c-',
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }],
        labels: { l: '1' },
        annotations: { a: '2', 'resource.kubernetes.io/pod-claim-name': 'c' },
      },
      spec: { devices: { requests: [{ name: 'r' }] } },
    });
  });

  it.each([
    ['web', 'gpu', 'web-gpu-'],
    ['p'.repeat(54), 'c', `${'p'.repeat(54)}-c-`],
    ['p'.repeat(80), 'c'.repeat(20), `${'p'.repeat(44)}-${'c'.repeat(11)}`],
  ])('of %s and %s is called %s…', (name, of, expected) => {
    expect(generateNameOf(name, of)).toBe(expected);
  });
});
