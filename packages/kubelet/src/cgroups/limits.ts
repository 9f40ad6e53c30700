/** What cgroups of pods, and of all of them, are given (pkg/kubelet/cm/helpers_linux.go, node_container_manager_linux.go). */
import type { Pod, PodSpec, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import type { ResourceTotals } from '@keelson/api/resources/list';
import { isSidecar, qosClass } from '@keelson/api/resources/pod';
import { hugePagesOf } from '../resources/huge-pages.ts';
import { PERIOD_US, quotaOf, sharesOf } from '../resources/linux.ts';
import { podLimits, podRequests } from '../resources/requests.ts';

/** What is left out is left as it is. */
export interface CgroupLimits {
  /** cgroup v1's measure of weight. */
  readonly cpuShares?: number | undefined;
  /** Microseconds in each period; -1: as many as there are. */
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  readonly processes?: number | undefined;
  /** A list of CPUs, `0-3,8`. */
  readonly cpus?: string | undefined;
  /** Bytes by size of a page, `2MB`; of sizes that are not there, none. */
  readonly hugePages?: ReadonlyMap<string, bigint> | undefined;
}

export interface PodLimitOptions {
  /** Whether limits of CPU count. */
  readonly cpuQuota: boolean;
  /** Processes of one pod; 0 or less: any. */
  readonly processes: number;
}

const LEAST_SHARES = sharesOf(0);

/** What all containers of a pod may have together. */
export function limitsOfPod(pod: Pod, { cpuQuota, processes }: PodLimitOptions): CgroupLimits {
  const qos = qosClass(pod);
  const [requests, limits] = [podRequests(pod), podLimits(pod)];
  const all: CgroupLimits = {
    hugePages: hugePagesOf(requests),
    ...(processes > 0 ? { processes } : {}),
  };
  if (qos === 'BestEffort') return { cpuShares: LEAST_SHARES, ...all };
  const quota = cpuQuota ? quotaOf(milli(limits.get('cpu'))) : -1;
  const isLimited = (name: string) => qos === 'Guaranteed' || isLimitedThroughout(pod.spec, name);
  return {
    cpuShares: sharesOf(milli(requests.get('cpu'))),
    ...(isLimited('cpu') ? { cpuQuota: quota, cpuPeriod: PERIOD_US } : {}),
    ...(isLimited('memory') ? { memory: Number(limits.get('memory')?.value() ?? 0n) } : {}),
    ...all,
  };
}

/** What all pods, or all of a system's processes, may have together. @param compressible only of what can be had later */
export function limitsOf(amounts: ResourceTotals, compressible = false): CgroupLimits {
  const cpu = amounts.get('cpu');
  const shares = cpu ? { cpuShares: sharesOf(milli(cpu)) } : {};
  if (compressible) return shares;
  const [memory, processes] = [amounts.get('memory'), amounts.get('pid')];
  return {
    ...shares,
    ...(memory ? { memory: Number(memory.value()) } : {}),
    ...(processes ? { processes: Number(processes.value()) } : {}),
    hugePages: hugePagesOf(amounts),
  };
}

/** Of the pods of a class: each of them has its own. */
export function limitsOfClass(milliCpu: number, pageSizes: readonly string[]): CgroupLimits {
  return { cpuShares: sharesOf(milliCpu), hugePages: new Map(pageSizes.map((size) => [size, UNLIMITED_PAGES])) };
}

const UNLIMITED_PAGES = 2n ** 62n;

/** Whether each container has a limit, or the pod as a whole. */
function isLimitedThroughout(spec: PodSpec, name: string): boolean {
  const has = ({ limits }: ResourceRequirements = {}) => !Quantity.parse(limits?.[name] ?? '0').isZero();
  if (has(spec.resources)) return true;
  const init = spec.initContainers ?? [];
  const initLimited = init.every(
    ({ resources }, index) =>
      has(resources) || init.slice(0, index).some((each) => isSidecar(each) && has(each.resources)),
  );
  return initLimited && (spec.containers ?? []).every(({ resources }) => has(resources));
}

function milli(amount: Quantity | undefined): number {
  return Number(amount?.milliValue() ?? 0n);
}
