/**
 * What the kubelet's configuration says of cgroups and of what is kept from pods, with upstream's defaults and findings
 * (pkg/kubelet/apis/config/v1beta1/defaults.go, apis/config/validation, cmd/kubelet/app/server.go).
 */

import { aggregateText } from '@keelson/api/aggregate';
import { parseDuration } from '@keelson/component/go/duration';
import type { IsEnabled } from '@keelson/kubelet/gates';
import {
  type CgroupSettings,
  type CpuSettings,
  cpuOptions,
  type Enforcement,
  type MemoryReservation,
  type MemorySettings,
  memoryPolicy,
  POLICIES,
  parseCpus,
  parseReserved,
  type Reservations,
  reservedMemoryProblems,
  type SwapSettings,
  type TopologyOptions,
  type TopologyPolicy,
  topologyOptions,
} from '@keelson/kubelet/policies';

/** Fields of a KubeletConfiguration. */
export interface ResourcesFile {
  readonly cgroupsPerQOS?: boolean;
  readonly cgroupRoot?: string;
  readonly kubeReserved?: Readonly<Record<string, string>>;
  readonly systemReserved?: Readonly<Record<string, string>>;
  readonly kubeReservedCgroup?: string;
  readonly systemReservedCgroup?: string;
  readonly enforceNodeAllocatable?: readonly string[];
  readonly podPidsLimit?: number;
  readonly cpuCFSQuota?: boolean;
  readonly cpuManagerPolicy?: string;
  readonly cpuManagerPolicyOptions?: Readonly<Record<string, string>>;
  readonly cpuManagerReconcilePeriod?: string;
  readonly reservedSystemCPUs?: string;
  readonly memorySwap?: { readonly swapBehavior?: string };
  readonly failSwapOn?: boolean;
  readonly memoryManagerPolicy?: string;
  readonly reservedMemory?: readonly MemoryReservation[];
  readonly topologyManagerPolicy?: string;
  readonly topologyManagerScope?: string;
  readonly topologyManagerPolicyOptions?: Readonly<Record<string, string>>;
}

export interface NodeResources {
  readonly cgroups: CgroupSettings;
  readonly reserved: Reservations;
  readonly cpuCfsQuota: boolean;
  readonly cpus: CpuSettings;
  readonly memory: MemorySettings;
  readonly topology: TopologyOptions;
  readonly swap: SwapSettings;
}

const DEFAULT_ENFORCED = ['pods'];

/** @throws Error with all findings, `[first, second]` where there are several */
export function resourcesOf(file: ResourcesFile, isEnabled: IsEnabled): NodeResources {
  const { cgroupsPerQOS: perQos = true, enforceNodeAllocatable: enforce = DEFAULT_ENFORCED } = file;
  const { kubeReservedCgroup = '', systemReservedCgroup = '' } = file;
  const problems = [
    ...topologyProblems(file),
    ...together(enforce),
    ...each(enforce, { ...file, cgroupsPerQOS: perQos }),
    ...reservedCpuProblems(file),
    ...reservedMemoryProblems(file.reservedMemory ?? []),
    ...swapProblems(file),
  ].map((problem) => `invalid configuration: ${problem}`);
  if (problems.length > 0) throw new Error(aggregateText(problems));
  const { reservedSystemCPUs: ownCpus = '' } = file;
  const kube = reserved('--kube-reserved', file.kubeReserved);
  const system = reserved('--system-reserved', file.systemReserved);
  const byName = ownCpus === '' ? undefined : parseCpus(ownCpus);
  const { cpu: _, ...kubeBesides } = kube;
  return {
    cgroups: {
      root: file.cgroupRoot || '/',
      perQos,
      required: true,
      enforce: enforce as readonly Enforcement[],
      kubeReservedCgroup,
      systemReservedCgroup,
      podProcesses: file.podPidsLimit ?? -1,
    },
    // CPUs that are named count in the place of how many were asked for.
    reserved: byName ? { kube: kubeBesides, system: { ...system, cpu: String(byName.size) } } : { kube, system },
    cpuCfsQuota: file.cpuCFSQuota ?? true,
    cpus: {
      ...cpuOptions(file.cpuManagerPolicy || 'none', file.cpuManagerPolicyOptions ?? {}, isEnabled),
      reserved: byName,
      reconcileMs: parseDuration(file.cpuManagerReconcilePeriod ?? '0s') || 10_000,
    },
    memory: { policy: memoryPolicy(file.memoryManagerPolicy || 'None'), reserved: file.reservedMemory ?? [] },
    topology: {
      policy: (file.topologyManagerPolicy || 'none') as TopologyPolicy,
      scope: file.topologyManagerScope === 'pod' ? 'pod' : 'container',
      ...topologyOptions(file.topologyManagerPolicyOptions ?? {}),
    },
    swap: {
      behavior: file.memorySwap?.swapBehavior === 'LimitedSwap' ? 'LimitedSwap' : 'NoSwap',
      failIfOn: file.failSwapOn ?? true,
    },
  };
}

function reserved(flag: string, statements: Readonly<Record<string, string>> = {}) {
  try {
    return parseReserved(statements);
  } catch (error) {
    throw new Error(`${flag} value failed to parse: ${(error as Error).message}`, { cause: error });
  }
}

const SCOPES = ['container', 'pod'];

function topologyProblems({ topologyManagerPolicy, topologyManagerScope }: ResourcesFile): string[] {
  const quoted = (names: readonly string[]) => names.map((name) => JSON.stringify(name));
  const [policy, scope] = [topologyManagerPolicy || 'none', topologyManagerScope || 'container'];
  return [
    !POLICIES.some((each) => each === policy) &&
      `topologyManagerPolicy (--topology-manager-policy) "${policy}" must be one of: [${quoted(POLICIES).join(' ')}]`,
    !SCOPES.includes(scope) &&
      `topologyManagerScope (--topology-manager-scope) "${scope}" must be one of: ${quoted(SCOPES).join(', or ')}`,
  ].filter((problem) => problem !== false);
}

function swapProblems({ memorySwap }: ResourcesFile): string[] {
  const { swapBehavior: said = '' } = memorySwap ?? {};
  if (['', 'LimitedSwap', 'NoSwap'].includes(said)) return [];
  return [`memorySwap.swapBehavior ${JSON.stringify(said)} must be one of: "", "LimitedSwap" or "NoSwap"`];
}

function reservedCpuProblems(file: ResourcesFile): string[] {
  const { reservedSystemCPUs: cpus = '' } = file;
  if (cpus === '') return [];
  const groups = 'systemReservedCgroup (--system-reserved-cgroup) or kubeReservedCgroup (--kube-reserved-cgroup)';
  const both = file.systemReservedCgroup || file.kubeReservedCgroup;
  return [...(both ? [`can't use reservedSystemCPUs (--reserved-cpus) with ${groups}`] : []), ...parseProblem(cpus)];
}

function parseProblem(cpus: string): string[] {
  try {
    parseCpus(cpus);
    return [];
  } catch (error) {
    return [`unable to parse reservedSystemCPUs (--reserved-cpus) ${cpus}, error: ${(error as Error).message}`];
  }
}

const FIELD = 'enforceNodeAllocatable (--enforce-node-allocatable)';
const OWNERS = [
  ['system-reserved', 'systemReservedCgroup (--system-reserved-cgroup)', 'systemReservedCgroup'],
  ['kube-reserved', 'kubeReservedCgroup (--kube-reserved-cgroup)', 'kubeReservedCgroup'],
] as const;

function together(enforce: readonly string[]): string[] {
  return OWNERS.filter(([name]) => enforce.includes(name) && enforce.includes(`${name}-compressible`)).map(
    ([name]) => `both "${name}-compressible" and "${name}" cannot be specified together in ${FIELD}`,
  );
}

function each(enforce: readonly string[], file: ResourcesFile): string[] {
  return enforce.flatMap((value, index) => {
    if (enforce.indexOf(value) !== index) return [`duplicated enforcements "${value}" in ${FIELD}`];
    if (value === 'none') {
      const others = `${FIELD} may not contain additional enforcements when "none" is specified`;
      return enforce.length > 1 ? [others] : [];
    }
    const owner = OWNERS.find(([name]) => value === name || value === `${name}-compressible`);
    if (!owner && value !== 'pods') {
      const valid = OWNERS.flatMap(([name]) => [`"${name}"`, `"${name}-compressible"`]).join(', ');
      return [`option "${value}" specified for ${FIELD}. Valid options are "pods", ${valid} or "none"`];
    }
    return [
      owner &&
        !file[owner[2]] &&
        `${owner[1]} must be specified when "${owner[0]}" or "${owner[0]}-compressible" included in ${FIELD}`,
      !file.cgroupsPerQOS &&
        `cgroupsPerQOS (--cgroups-per-qos) must be set to true when "${value}" contained in ${FIELD}`,
    ].filter((problem) => typeof problem === 'string');
  });
}
