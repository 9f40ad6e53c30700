/** `/metrics/resource`: what the metrics server scrapes (pkg/kubelet/metrics/collectors/resource_metrics.go). */
import { machineUsage, readSwap } from '../node/machine.ts';
import { type PodStats, swapOf } from '../runtime/stats.ts';
import type { KubeletView } from '../view.ts';
import { expose, type TimedFamily, type TimedSample } from './exposition.ts';
import { startTimes } from './summary.ts';

/** The whole text of one answer. @throws Error of the runtime */
export async function resourceMetrics(view: KubeletView): Promise<string> {
  const { runtime, world } = view;
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
  const now = world.clock.now();
  const machine = machineUsage();
  const started = new Map(view.pods().map((pod) => [pod.metadata.uid, startTimes(pod)]));
  /** What the runtime does not tell of is 0 on a machine without. */
  const swapUsed = ({ memory, swap: own }: PodStats['containers'][number]) =>
    timed(own?.at ?? memory?.at, own?.usedBytes ?? (swap.totalBytes === 0 ? 0 : undefined));
  return [
    family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', [
      { labels: {}, value: machine.cpuNanoseconds / 1e9, at: now },
    ]),
    family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', [
      { labels: {}, value: machine.workingSetBytes, at: now },
    ]),
    family(
      'container_start_time_seconds',
      'gauge',
      'Start time of the container since unix epoch in seconds',
      stats.flatMap((pod) =>
        pod.containers.flatMap(({ name }) => {
          const time = started.get(pod.uid)?.get(name);
          const labels = { container: name, namespace: pod.namespace, pod: pod.name };
          return time === undefined ? [] : [{ labels, value: Date.parse(time) / 1000, at: 0 }];
        }),
      ),
    ),
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
      ofContainers(swapUsed),
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
        const own = swapOf(pod);
        return timed(own?.at ?? pod.memory?.at, own?.usedBytes ?? (swap.totalBytes === 0 ? 0 : undefined));
      }),
      'ALPHA',
    ),
    family(
      'node_swap_usage_bytes',
      'gauge',
      'Current swap usage of the node in bytes. Reported only on non-windows systems',
      [{ labels: {}, value: swap.totalBytes - swap.freeBytes, at: now }],
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
