import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { expect, test } from 'vitest';
import { type ResourcesFile, resourcesOf as resourcesBy } from './resources.ts';

const resourcesOf = (file: ResourcesFile) => resourcesBy(file, isEnabledByDefault);

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
    cpus: {
      policy: 'none',
      wholeCores: false,
      strict: false,
      distribute: false,
      byCache: false,
      reserved: undefined,
      reconcileMs: 10_000,
    },
    memory: { policy: 'None', reserved: [] },
    topology: { policy: 'none', scope: 'container', preferClosest: false, maxNodes: 8 },
    swap: { behavior: 'NoSwap', failIfOn: true },
  }));

test('CPUs that are named are reserved in the place of others', () =>
  expect(
    resourcesOf({
      reservedSystemCPUs: '0,2-3',
      kubeReserved: { cpu: '5', memory: '1Gi' },
      systemReserved: { cpu: '7' },
    }),
  ).toMatchObject({
    reserved: { kube: { memory: '1Gi' }, system: { cpu: '3' } },
    cpus: { reserved: new Set([0, 2, 3]) },
  }));

test('swap is for those who ask for it', () =>
  expect(resourcesOf({ memorySwap: { swapBehavior: 'LimitedSwap' }, failSwapOn: false }).swap).toEqual({
    behavior: 'LimitedSwap',
    failIfOn: false,
  }));

test.each([
  [{ cgroupsPerQOS: false, enforceNodeAllocatable: [] }],
  [{ cgroupsPerQOS: false, enforceNodeAllocatable: ['none'] }],
  [{ enforceNodeAllocatable: ['pods', 'kube-reserved'], kubeReservedCgroup: '/kube' }],
  [{ kubeReserved: { cpu: '100m', memory: '1Gi', 'ephemeral-storage': '1Gi', pid: '100' } }],
] satisfies [ResourcesFile][])('%j is taken', (file) => expect(() => resourcesOf(file)).not.toThrow());

const FIELD = 'enforceNodeAllocatable (--enforce-node-allocatable)';

test.each<[ResourcesFile, string]>([
  [
    { memorySwap: { swapBehavior: 'Some' } },
    'invalid configuration: memorySwap.swapBehavior "Some" must be one of: "", "LimitedSwap" or "NoSwap"',
  ],
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
  [
    { topologyManagerPolicy: 'numa', topologyManagerScope: 'node' },
    '[invalid configuration: topologyManagerPolicy (--topology-manager-policy) "numa" must be one of: ["none" "best-effort" "restricted" "single-numa-node"], invalid configuration: topologyManagerScope (--topology-manager-scope) "node" must be one of: "container", or "pod"]',
  ],
  [
    { reservedSystemCPUs: '1-x', kubeReservedCgroup: '/k' },
    '[invalid configuration: can\'t use reservedSystemCPUs (--reserved-cpus) with systemReservedCgroup (--system-reserved-cgroup) or kubeReservedCgroup (--kube-reserved-cgroup), invalid configuration: unable to parse reservedSystemCPUs (--reserved-cpus) 1-x, error: strconv.Atoi: parsing "x": invalid syntax]',
  ],
  [{ cpuManagerPolicy: 'dynamic' }, 'unknown policy: "dynamic"'],
  [{ memoryManagerPolicy: 'static' }, 'unknown policy: "static"'],
  [
    {
      reservedMemory: [
        { numaNode: 0, limits: { memory: '0', cpu: '1' } },
        { numaNode: 0, limits: { memory: '1Gi' } },
      ],
    },
    '[invalid configuration: reserved memory may not be zero for NUMA node 0 and resource "memory", invalid configuration: the limit type "cpu" for NUMA node 0 is not supported, only [memory hugepages-<HugePageSize>] is accepted, invalid configuration: the reserved memory has a duplicate value for NUMA node 0 and resource "memory"]',
  ],
  [
    { cpuManagerPolicyOptions: { 'full-pcpus-only': 'true' } },
    'new none policy error: None policy: received unsupported options=map[full-pcpus-only:true]',
  ],
  [
    { cpuManagerPolicy: 'static', cpuManagerPolicyOptions: { 'align-by-socket': 'true' } },
    'new static policy error: CPU Manager Policy Alpha-level Options not enabled, but option "align-by-socket" provided',
  ],
  [
    {
      cpuManagerPolicy: 'static',
      cpuManagerPolicyOptions: { 'distribute-cpus-across-numa': 'true', 'prefer-align-cpus-by-uncorecache': 'true' },
    },
    'new static policy error: static policy options prefer-align-cpus-by-uncorecache and distribute-cpus-across-numa can not be used at the same time',
  ],
  [
    { cpuManagerPolicy: 'static', cpuManagerPolicyOptions: { 'full-pcpus-only': 'maybe' } },
    'new static policy error: bad value for option "full-pcpus-only": strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    { topologyManagerPolicyOptions: { 'max-allowable-numa-nodes': '7' } },
    'the minimum value of "max-allowable-numa-nodes" should not be less than 8',
  ],
  [{ kubeReserved: { gpu: '1' } }, '--kube-reserved value failed to parse: cannot reserve "gpu" resource'],
  [
    { systemReserved: { cpu: '-1' } },
    '--system-reserved value failed to parse: resource quantity for "cpu" cannot be negative: -1',
  ],
])('%j is refused', (file, message) => expect(() => resourcesOf(file)).toThrow(new Error(message)));

test('options of CPUs that are not settled need their gate', () => {
  const file = { cpuManagerPolicy: 'static', cpuManagerPolicyOptions: { 'distribute-cpus-across-numa': 'true' } };
  expect(resourcesOf(file).cpus.distribute).toBe(true);
  expect(() => resourcesBy(file, (gate) => gate !== 'CPUManagerPolicyBetaOptions')).toThrow(
    'CPU Manager Policy Beta-level Options not enabled, but option "distribute-cpus-across-numa" provided',
  );
});
