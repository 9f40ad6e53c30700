/** `/metrics/resource`: what the metrics server scrapes (pkg/kubelet/metrics/collectors/resource_metrics.go). */
import { readSwap } from '../node/machine.ts';
import { type PodStats, swapOf } from '../runtime/stats.ts';
import type { KubeletView } from '../view.ts';
import { expose, type TimedFamily, type TimedSample } from './exposition.ts';

/** The whole text of one answer. @throws Error of the runtime */
export async function resourceMetrics({ runtime, world }: KubeletView): Promise<string> {
  const [stats, swap] = await Promise.all([runtime.stats(), readSwap()]);
  const ofPods = (pick: (pod: PodStats) => { at: number; value: number } | undefined) =>
    stats.flatMap((pod) => sample({ namespace: pod.namespace, pod: pod.name }, pick(pod)));
  const ofContainers = (
    pick: (container: PodStats['containers'][number]) => { at: number; value: number } | undefined,
  ) =>
    stats.flatMap((pod) =>
      pod.containers.flatMap((each) =>
        sample({ container: each.name, namespace: pod.namespace, pod: pod.name }, pick(each)),
      ),
    );
  return [
    family(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the container in core-seconds',
      ofContainers(({ cpu }) => cpu && { at: cpu.at, value: cpu.coreNanoseconds / 1e9 }),
    ),
    family(
      'container_memory_working_set_bytes',
      'gauge',
      'Current working set of the container in bytes',
      ofContainers(({ memory }) => memory && { at: memory.at, value: memory.workingSetBytes }),
    ),
    family(
      'pod_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the pod in core-seconds',
      ofPods(({ cpu }) => cpu && { at: cpu.at, value: cpu.coreNanoseconds / 1e9 }),
    ),
    family(
      'pod_memory_working_set_bytes',
      'gauge',
      'Current working set of the pod in bytes',
      ofPods(({ memory }) => memory && { at: memory.at, value: memory.workingSetBytes }),
    ),
    family(
      'container_swap_usage_bytes',
      'gauge',
      'Current amount of the container swap usage in bytes. Reported only on non-windows systems',
      ofContainers(({ swap }) => timed(swap?.at, swap?.usedBytes)),
      'ALPHA',
    ),
    family(
      'container_swap_limit_bytes',
      'gauge',
      'Current amount of the container swap limit in bytes. Reported only on non-windows systems',
      ofContainers(({ swap }) =>
        timed(swap?.at, swap?.availableBytes === undefined ? undefined : swap.availableBytes + (swap.usedBytes ?? 0)),
      ),
      'ALPHA',
    ),
    family(
      'pod_swap_usage_bytes',
      'gauge',
      'Current amount of the pod swap usage in bytes. Reported only on non-windows systems',
      ofPods((pod) => {
        const swap = swapOf(pod);
        return timed(swap?.at, swap?.usedBytes);
      }),
      'ALPHA',
    ),
    family(
      'node_swap_usage_bytes',
      'gauge',
      'Current swap usage of the node in bytes. Reported only on non-windows systems',
      [{ labels: {}, value: swap.totalBytes - swap.freeBytes, at: world.clock.now() }],
      'ALPHA',
    ),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [
      { labels: {}, value: 0, at: 0 },
    ]),
  ].join('');
}

function sample(labels: TimedSample['labels'], found: { at: number; value: number } | undefined): TimedSample[] {
  return found ? [{ labels, ...found }] : [];
}

function timed(at: number | undefined, value: number | undefined): { at: number; value: number } | undefined {
  return at === undefined || value === undefined ? undefined : { at, value };
}

function family(
  name: string,
  type: TimedFamily['type'],
  help: string,
  samples: readonly TimedSample[],
  stability = 'STABLE',
): string {
  return expose({ name, type, help: `[${stability}] ${help}`, samples });
}
