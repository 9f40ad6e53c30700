import { expect, test } from 'vitest';
import { type ResourcesFile, resourcesOf } from './resources.ts';

test('without a word all is as upstream has it', () =>
  expect(resourcesOf({})).toEqual({
    cgroups: {
      root: '/',
      perQos: true,
      required: true,
      enforce: ['pods'],
      kubeReservedCgroup: '',
      systemReservedCgroup: '',
      podProcesses: -1,
    },
    reserved: { kube: {}, system: {} },
    cpuCfsQuota: true,
  }));

test.each([
  [{ cgroupsPerQOS: false, enforceNodeAllocatable: [] }],
  [{ cgroupsPerQOS: false, enforceNodeAllocatable: ['none'] }],
  [{ enforceNodeAllocatable: ['pods', 'kube-reserved'], kubeReservedCgroup: '/kube' }],
  [{ kubeReserved: { cpu: '100m', memory: '1Gi', 'ephemeral-storage': '1Gi', pid: '100' } }],
] satisfies [ResourcesFile][])('%j is taken', (file) => expect(() => resourcesOf(file)).not.toThrow());

const FIELD = 'enforceNodeAllocatable (--enforce-node-allocatable)';

test.each([
  [
    { cgroupsPerQOS: false },
    `invalid configuration: cgroupsPerQOS (--cgroups-per-qos) must be set to true when "pods" contained in ${FIELD}`,
  ],
  [
    { enforceNodeAllocatable: ['kube-reserved'] },
    `invalid configuration: kubeReservedCgroup (--kube-reserved-cgroup) must be specified when "kube-reserved" or "kube-reserved-compressible" included in ${FIELD}`,
  ],
  [
    { enforceNodeAllocatable: ['system-reserved', 'system-reserved-compressible'], systemReservedCgroup: '/s' },
    `invalid configuration: both "system-reserved-compressible" and "system-reserved" cannot be specified together in ${FIELD}`,
  ],
  [
    { enforceNodeAllocatable: ['pods', 'pods', 'none'] },
    `[invalid configuration: duplicated enforcements "pods" in ${FIELD}, invalid configuration: ${FIELD} may not contain additional enforcements when "none" is specified]`,
  ],
  [
    { enforceNodeAllocatable: ['pod'] },
    `invalid configuration: option "pod" specified for ${FIELD}. Valid options are "pods", "system-reserved", "system-reserved-compressible", "kube-reserved", "kube-reserved-compressible" or "none"`,
  ],
  [{ kubeReserved: { gpu: '1' } }, '--kube-reserved value failed to parse: cannot reserve "gpu" resource'],
  [
    { systemReserved: { cpu: '-1' } },
    '--system-reserved value failed to parse: resource quantity for "cpu" cannot be negative: -1',
  ],
] satisfies [ResourcesFile, string][])('%j is refused', (file, message) =>
  expect(() => resourcesOf(file)).toThrow(new Error(message)),
);
