import type { Pod } from '@keelson/api/generated/types/core/v1';
import { expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { defaultPodResources, defaults } from './defaults.ts';

const podOf = (resources: object): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', resources: {} }], resources },
  status: {},
});

it.each([
  [{ limits: { cpu: '5' } }, { limits: { cpu: '5' }, requests: { cpu: '5' } }],
  [{ requests: { cpu: '1' } }, { requests: { cpu: '1' } }],
])('a pod that states %j as a whole has %j', (resources, expected) => {
  const pod = podOf(resources);
  defaults(pod, isEnabledByDefault);
  expect(pod.spec.resources).toEqual(expected);
});

it('what admission has given containers counts for the pod', () => {
  const pod = podOf({ limits: { cpu: '5' }, requests: { cpu: '1' } });
  defaults(pod, isEnabledByDefault);
  pod.spec.containers![0]!.resources = { requests: { memory: '1Gi' } };
  defaultPodResources(pod.spec, isEnabledByDefault);
  expect(pod.spec.resources).toEqual({ limits: { cpu: '5' }, requests: { cpu: '1', memory: '1Gi' } });
});
