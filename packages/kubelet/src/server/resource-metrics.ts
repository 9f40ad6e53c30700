/** `/metrics/resource`: what the metrics server scrapes (pkg/kubelet/metrics/collectors/resource_metrics.go). */
import type { PodStats } from '../runtime/stats.ts';
import type { KubeletView } from '../view.ts';
import { expose, type TimedFamily, type TimedSample } from './exposition.ts';

export async function resourceMetrics({ runtime }: KubeletView): Promise<string> {
  const stats = await runtime.stats();
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
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [
      { labels: {}, value: 0, at: 0 },
    ]),
  ].join('');
}

function sample(labels: TimedSample['labels'], found: { at: number; value: number } | undefined): TimedSample[] {
  return found ? [{ labels, ...found }] : [];
}

function family(name: string, type: TimedFamily['type'], help: string, samples: readonly TimedSample[]): string {
  return expose({ name, type, help: `[STABLE] ${help}`, samples });
}
