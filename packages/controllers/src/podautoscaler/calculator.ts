/** How many replicas metrics ask for: pure (pkg/controller/podautoscaler/replica_calculator.go). Amounts are thousandths. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { isPodLevelResource, isSidecar } from '@keelson/api/resources/pod';
import { millisOf } from '@keelson/api/time';
import { isReady, podCondition } from '../pods/state.ts';
import { milliOf, type PodMetric, type PodMetrics } from './metrics.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** By how much usage may differ from its target without any consequence; 0.1 is a tenth. */
export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

export interface Timing {
  /** So long after its start the CPU usage of a pod that is not ready does not count. */
  readonly cpuInitializationMs: number;
  /** A pod that has become ready for the first time within this has only just been started. */
  readonly initialReadinessDelayMs: number;
}

export interface Proposal {
  readonly replicas: number;
  /** Of one pod on average, or of all where the target is for all. */
  readonly usage: number;
  /** Percent of what pods ask for. */
  readonly utilization?: number;
}

const isWithin = (ratio: number, { down, up }: Tolerances) => 1 - down <= ratio && ratio <= 1 + up;

interface Groups {
  readonly ready: number;
  readonly unready: readonly Pod[];
  /** Without a metric. */
  readonly missing: readonly Pod[];
  readonly ignored: readonly Pod[];
}

function grouped(pods: readonly Pod[], metrics: PodMetrics, resource: string, timing: Timing, now: number): Groups {
  const groups = { ready: 0, unready: [] as Pod[], missing: [] as Pod[], ignored: [] as Pod[] };
  for (const pod of pods) {
    const metric = metrics.get(pod.metadata.name!);
    if (pod.metadata.deletionTimestamp || pod.status.phase === 'Failed') groups.ignored.push(pod);
    else if (pod.status.phase === 'Pending') groups.unready.push(pod);
    else if (!metric) groups.missing.push(pod);
    else if (resource === 'cpu' && !countsForCpu(pod, metric, timing, now)) groups.unready.push(pod);
    else groups.ready++;
  }
  return groups;
}

/** What a pod takes while it starts tells nothing. */
function countsForCpu(pod: Pod, metric: PodMetric, timing: Timing, now: number): boolean {
  const condition = podCondition(pod, 'Ready');
  const { startTime } = pod.status;
  if (!condition || !startTime) return false;
  const started = millisOf(startTime);
  const changed = millisOf(condition.lastTransitionTime ?? startTime);
  if (started + timing.cpuInitializationMs > now) {
    return condition.status !== 'False' && metric.at >= changed + metric.windowMs;
  }
  return condition.status !== 'False' || started + timing.initialReadinessDelayMs <= changed;
}

/** What pods ask for, by name. @throws Error where one does not say, or has no such container */
export function requestsOf(pods: readonly Pod[], container: string, resource: string): Map<string, number> {
  return new Map(pods.map((pod) => [pod.metadata.name!, requestOf(pod, container, resource)]));
}

function requestOf(pod: Pod, container: string, resource: string): number {
  const { name } = pod.metadata;
  const whole = pod.spec.resources?.requests;
  if (container === '' && whole && Object.keys(whole).some(isPodLevelResource) && whole[resource] !== undefined) {
    return milliOf(whole[resource]);
  }
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  const counted = container === '' ? all : all.filter((each) => each.name === container).slice(0, 1);
  if (counted.length === 0 && container !== '') throw new Error(`container ${container} not found in Pod ${name}`);
  let sum = 0;
  for (const each of counted) {
    const request = each.resources?.requests?.[resource];
    if (request === undefined) {
      throw new Error(`missing request for ${resource} in container ${each.name} of Pod ${name}`);
    }
    sum += milliOf(request);
  }
  return sum;
}

interface Ratio {
  readonly ratio: number;
  readonly usage: number;
  readonly utilization?: number;
}

/** How a set of metrics stands to its target. */
interface Measure {
  readonly resource: string;
  ratioOf(metrics: PodMetrics): Ratio;
  /** What a pod without a metric is taken to use where there is less usage than wanted. */
  assumed(pod: Pod): number;
}

/** Percent of what pods ask for. @param target percent */
export function utilization(resource: string, requests: ReadonlyMap<string, number>, target: number): Measure {
  return {
    resource,
    assumed: ({ metadata }) => Math.floor((requests.get(metadata.name!)! * Math.max(100, target)) / 100),
    ratioOf(metrics) {
      let [used, requested, count] = [0, 0, 0];
      for (const [name, { value }] of metrics) {
        const request = requests.get(name);
        if (request === undefined) continue;
        used += value;
        requested += request;
        count++;
      }
      if (requested === 0) throw new Error('no metrics returned matched known pods');
      const percent = Math.floor((used * 100) / requested);
      return { ratio: percent / target, usage: Math.floor(used / count), utilization: percent };
    },
  };
}

/** An amount for each pod. @param resource `cpu` where it is that, else empty */
export function averageValue(resource: string, target: number): Measure {
  return {
    resource,
    assumed: () => target,
    ratioOf(metrics) {
      let used = 0;
      for (const { value } of metrics.values()) used += value;
      const usage = Math.floor(used / metrics.size);
      return { ratio: usage / target, usage };
    },
  };
}

/**
 * Replicas by metrics of pods. Pods that have none yet are taken to use what keeps from scaling too far.
 * @throws Error where there is nothing to go by
 */
export function byPods(
  current: number,
  pods: readonly Pod[],
  given: PodMetrics,
  measure: Measure,
  tolerances: Tolerances,
  timing: Timing,
  now: number,
): Proposal {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  const { ready, unready, missing, ignored } = grouped(pods, given, measure.resource, timing, now);
  const metrics = new Map(given);
  for (const pod of [...ignored, ...unready]) metrics.delete(pod.metadata.name!);
  if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  const { ratio, ...seen } = measure.ratioOf(metrics);
  const counting = unready.length > 0 && ratio > 1;
  if (!counting && missing.length === 0) {
    return { ...seen, replicas: isWithin(ratio, tolerances) ? current : Math.ceil(ratio * ready) };
  }
  const assume = (list: readonly Pod[], value: (pod: Pod) => number) => {
    for (const pod of list) metrics.set(pod.metadata.name!, { value: value(pod), at: now, windowMs: 0 });
  };
  if (ratio < 1) assume(missing, measure.assumed);
  if (ratio > 1) assume(missing, () => 0);
  if (counting) assume(unready, () => 0);
  const assumed = measure.ratioOf(metrics).ratio;
  const turned = (ratio < 1 && assumed > 1) || (ratio > 1 && assumed < 1);
  if (isWithin(assumed, tolerances) || turned) return { ...seen, replicas: current };
  const replicas = Math.ceil(assumed * metrics.size);
  const wrong = (assumed < 1 && replicas > current) || (assumed > 1 && replicas < current);
  return { ...seen, replicas: wrong ? current : replicas };
}

/** Replicas by one value and its target, for all pods together. @throws Error where there are no pods to go by */
export function byTotal(
  current: number,
  usage: number,
  target: number,
  pods: readonly Pod[],
  tolerances: Tolerances,
): Proposal {
  const ratio = usage / target;
  if (current === 0) return { usage, replicas: Math.ceil(ratio) };
  if (isWithin(ratio, tolerances)) return { usage, replicas: current };
  if (pods.length === 0) {
    const why = 'no pods returned by selector while calculating replica count';
    throw new Error(`unable to calculate ready pods: ${why}`);
  }
  const ready = pods.filter((pod) => pod.status.phase === 'Running' && isReady(pod)).length;
  return { usage, replicas: Math.min(MAX_INT32, Math.ceil(ratio * ready)) };
}

/** Replicas by one value and a target for each pod. @param replicas as the status of the scale tells */
export function byShare(replicas: number, total: number, target: number, tolerances: Tolerances): Proposal {
  const within = isWithin(total / (target * replicas), tolerances);
  const proposed = within ? replicas : Math.min(MAX_INT32, Math.ceil(total / target));
  return { replicas: proposed, usage: replicas === 0 ? 0 : Math.ceil(total / replicas) };
}
