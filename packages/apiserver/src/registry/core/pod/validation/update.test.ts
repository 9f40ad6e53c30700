import type { Pod, PodSpec } from '@keelson/api/generated/types/core/v1';
import { expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../../gates.ts';
import { defaults } from '../defaults.ts';
import { validateEphemeralContainersUpdate } from './ephemeralupdate.ts';
import { validatePodResize } from './resize.ts';
import { validatePodUpdate } from './update.ts';

const policy = { allowPrivileged: false, isEnabled: isEnabledByDefault };

function make(spec: Partial<PodSpec> = {}, status: Pod['status'] = {}): Pod {
  const pod: Pod = {
    metadata: { name: 'a', namespace: 'default', resourceVersion: '1' },
    spec: { containers: [{ name: 'a', image: 'i', resources: {} }], ...spec },
    status,
  };
  defaults(pod, isEnabledByDefault);
  return pod;
}

it.each<[Partial<PodSpec>, string]>([
  [{}, 'null'],
  [{ nodeSelector: {} }, '{}'],
  [{ nodeSelector: { a: 'c' } }, '{"a":"c"}'],
])('a gated pod keeps its node selector: %j', (spec, shown) => {
  const schedulingGates = [{ name: 'g' }];
  const errors = validatePodUpdate(
    policy,
    make({ schedulingGates, ...spec }),
    make({ schedulingGates, nodeSelector: { a: 'b' } }),
  );
  expect(errors.map(String)).toEqual([
    `spec.nodeSelector: Invalid value: ${shown}: only additions to spec.nodeSelector are allowed (no mutations or deletions)`,
  ]);
});

it.each<[Partial<PodSpec>, boolean]>([
  [{}, true],
  [{ affinity: { nodeAffinity: {} } }, true],
  [{ affinity: {} }, false],
])('a gated pod without affinity gets that of nodes alone: %j', (spec, isFine) => {
  const schedulingGates = [{ name: 'g' }];
  const errors = validatePodUpdate(policy, make({ schedulingGates, ...spec }), make({ schedulingGates }));
  expect(errors.length === 0).toBe(isFine);
});

it('a pod with claims of what its node has is not resized', () => {
  const old = make({}, { nodeAllocatableResourceClaimStatuses: [{ resourceClaimName: 'c', resources: {} }] });
  expect(validatePodResize(policy, old, old).map(String)).toEqual([
    'spec: Forbidden: pods with node allocatable resource claims cannot be resized',
  ]);
});

it.each([validatePodResize, validateEphemeralContainersUpdate])('%o judges metadata, too', (validate) => {
  const pod = make();
  pod.metadata.generateName = '_';
  expect(validate(policy, pod, pod).map(String)).toEqual([
    expect.stringContaining('metadata.generateName: Invalid value: "_"'),
  ]);
  pod.metadata.annotations = { 'kubernetes.io/config.mirror': '' };
  expect(validate(policy, pod, pod).map(String)).toEqual([expect.stringContaining('static pods')]);
});

it('what an ephemeral container has of huge pages stays', () => {
  const resources = { limits: { 'hugepages-2Mi': '1Mi', cpu: '1' } };
  const old = make({ ephemeralContainers: [{ name: 'e', image: 'i', resources }] });
  const texts = validateEphemeralContainersUpdate(policy, old, old).map(String);
  expect(texts.filter((text) => text.includes('multiple'))).toEqual([]);
});

it.each<[PodSpec['resources'], PodSpec['resources'], string[]]>([
  [undefined, undefined, []],
  [{ limits: {} }, { limits: {} }, []],
  [{ limits: {} }, undefined, ['spec: Forbidden: only cpu and memory resources are mutable']],
  [{ limits: { cpu: '2' } }, { limits: { cpu: '1' } }, []],
])('a pod whose own resources become %j from %j', (resources, before, expected) => {
  expect(validatePodResize(policy, make({ resources }), make({ resources: before })).map(String)).toEqual(expected);
});
