/** Requests and limits as Linux takes them (pkg/kubelet/cm/helpers_linux.go, kuberuntime_container_linux.go). */
import type { Container, Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import type { LinuxResources } from '../runtime/linux.ts';
import { oomScoreAdj } from './oom.ts';
import { podLimits, podRequests } from './requests.ts';

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1_000;

/** cgroup v1's measure of weight. */
export function sharesOf(milliCpu: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1024) / 1000)));
}

/** Microseconds in each period; 0 is without limit. */
export function quotaOf(milliCpu: number, periodUs = PERIOD_US): number {
  return milliCpu === 0 ? 0 : Math.max(MIN_QUOTA_US, Math.floor((milliCpu * periodUs) / 1000));
}

/** Of a container; where it has no limit of its own, the pod's. */
export function containerResources(pod: Pod, container: Container, memoryCapacity: number): LinuxResources {
  const limits = { ...pick(pod.spec?.resources?.limits), ...pick(container.resources?.limits) };
  return {
    ...calculated({ ...container.resources, limits }),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacity),
  };
}

/** Of the pod as a whole, without its overhead. */
export function sandboxResources(pod: Pod): LinuxResources {
  const bare: Pod = { ...pod, spec: { ...pod.spec!, overhead: {} } };
  const list = (amounts: Map<string, Quantity>) =>
    Object.fromEntries(Array.from(amounts, ([name, q]) => [name, q.toString()]));
  return calculated({ requests: list(podRequests(bare)), limits: list(podLimits(bare)) });
}

export function overheadResources({ spec }: Pod): LinuxResources | undefined {
  return spec?.overhead ? calculated({ requests: spec.overhead, limits: spec.overhead }) : undefined;
}

function pick(list: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(list).filter(([name]) => name === 'cpu' || name === 'memory'));
}

function calculated({ requests, limits }: ResourceRequirements): LinuxResources {
  const milli = (text: string | undefined) =>
    text === undefined ? undefined : Number(Quantity.parse(text).milliValue());
  const cpuLimit = milli(limits?.cpu);
  const memoryLimit = limits?.memory === undefined ? 0 : Number(Quantity.parse(limits.memory).value());
  return {
    cpuShares: sharesOf(milli(requests?.cpu) ?? cpuLimit ?? 0),
    cpuPeriod: PERIOD_US,
    cpuQuota: quotaOf(cpuLimit ?? 0),
    ...(memoryLimit > 0 ? { memoryLimit } : {}),
  };
}
