/** Requests and limits as Linux takes them (pkg/kubelet/cm/helpers_linux.go, kuberuntime_container_linux.go). */
import type { Container, Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import type { LinuxResources } from '../runtime/linux.ts';
import { oomScoreAdj } from './oom.ts';
import { podLimits, podRequests } from './requests.ts';

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
export const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1_000;

/** cgroup v1's measure of weight. */
export function sharesOf(milliCpu: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1024) / 1000)));
}

/** Microseconds in each period; 0 is without limit. */
export function quotaOf(milliCpu: number, periodUs = PERIOD_US): number {
  return milliCpu === 0 ? 0 : Math.max(MIN_QUOTA_US, Math.floor((milliCpu * periodUs) / 1000));
}

/** Whether limits of CPU count: `unlimited` where a pod has CPUs of its own, `off` where no pod is held to them. */
export type CpuQuota = 'limited' | 'unlimited' | 'off';

/** Of a container; where it has no limit of its own, the pod's. */
export function containerResources(
  pod: Pod,
  container: Container,
  memoryCapacity: number,
  quota: CpuQuota = 'limited',
): LinuxResources {
  const limits = { ...pick(pod.spec?.resources?.limits), ...pick(container.resources?.limits) };
  return {
    ...calculated({ ...container.resources, limits }, quota),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacity),
  };
}

/** Of the pod as a whole, without its overhead. */
export function sandboxResources(pod: Pod, quota: CpuQuota = 'limited'): LinuxResources {
  const bare: Pod = { ...pod, spec: { ...pod.spec!, overhead: {} } };
  const list = (amounts: Map<string, Quantity>) =>
    Object.fromEntries(Array.from(amounts, ([name, q]) => [name, q.toString()]));
  return calculated({ requests: list(podRequests(bare)), limits: list(podLimits(bare)) }, quota);
}

export function overheadResources({ spec }: Pod, quota: CpuQuota = 'limited'): LinuxResources | undefined {
  const kept = { requests: spec?.overhead, limits: spec?.overhead };
  return spec?.overhead ? calculated(kept, quota === 'off' ? 'off' : 'limited') : undefined;
}

function pick(list: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter(([name]) => name === 'cpu' || name === 'memory'));
}

function calculated({ requests, limits }: ResourceRequirements, quota: CpuQuota): LinuxResources {
  const milli = (text: string | undefined) =>
    text === undefined ? undefined : Number(Quantity.parse(text).milliValue());
  const cpuLimit = milli(limits?.cpu);
  const memoryLimit = limits?.memory === undefined ? 0 : Number(Quantity.parse(limits.memory).value());
  return {
    cpuShares: sharesOf(milli(requests?.cpu) ?? cpuLimit ?? 0),
    ...(quota === 'off' ? {} : { cpuPeriod: PERIOD_US }),
    ...(quota === 'limited' ? { cpuQuota: quotaOf(cpuLimit ?? 0) } : quota === 'unlimited' ? { cpuQuota: -1 } : {}),
    ...(memoryLimit > 0 ? { memoryLimit } : {}),
  };
}
