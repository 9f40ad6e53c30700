/**
 * What the kubelet's configuration says of cgroups and of what is kept from pods, with upstream's defaults and findings
 * (pkg/kubelet/apis/config/v1beta1/defaults.go, apis/config/validation, cmd/kubelet/app/server.go).
 */
import type { CgroupSettings, Enforcement, Reservations } from '@keelson/kubelet/policies';
import { parseReserved } from '@keelson/kubelet/policies';

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
}

export interface NodeResources {
  readonly cgroups: CgroupSettings;
  readonly reserved: Reservations;
  readonly cpuCfsQuota: boolean;
}

const DEFAULT_ENFORCED = ['pods'];

/** @throws Error with all findings, `[first, second]` where there are several */
export function resourcesOf(file: ResourcesFile): NodeResources {
  const { cgroupsPerQOS: perQos = true, enforceNodeAllocatable: enforce = DEFAULT_ENFORCED } = file;
  const { kubeReservedCgroup = '', systemReservedCgroup = '' } = file;
  const problems = [...together(enforce), ...each(enforce, { ...file, cgroupsPerQOS: perQos })].map(
    (problem) => `invalid configuration: ${problem}`,
  );
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
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
    reserved: {
      kube: reserved('--kube-reserved', file.kubeReserved),
      system: reserved('--system-reserved', file.systemReserved),
    },
    cpuCfsQuota: file.cpuCFSQuota ?? true,
  };
}

function reserved(flag: string, statements: Readonly<Record<string, string>> = {}) {
  try {
    return parseReserved(statements);
  } catch (error) {
    throw new Error(`${flag} value failed to parse: ${(error as Error).message}`, { cause: error });
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
