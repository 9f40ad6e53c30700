/** What is counted of resources that are a container's own (pkg/kubelet/metrics). */
import type { Clock } from '@keelson/api/clock';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Counter, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Rejection } from '../pods/admission.ts';

export interface ExclusiveMetrics {
  /** Somebody asks for CPUs, or memory, of their own. @returns what `give` does. @throws what it throws: there are none */
  pin<T>(resource: 'cpu' | 'memory', give: () => T): T;
  /** How many CPUs are shared and can be given, and how many are somebody's own. */
  cpus(shared: number, own: number): void;
  admitted(failed: boolean, ms: number): void;
}

export const UNCOUNTED: ExclusiveMetrics = { pin: (_resource, give) => give(), cpus: () => {}, admitted: () => {} };

const BOUNDS = Array.from({ length: 15 }, (_, index) => 0.05 * 2 ** index);

export function exclusiveMetrics(registry: MetricsRegistry): ExclusiveMetrics {
  const counter = (name: string, help: string) =>
    registry.register(new Counter({ name: `kubelet_${name}`, help, stability: 'ALPHA' }));
  const gauge = (name: string, help: string) =>
    registry.register(new Gauge({ name: `kubelet_${name}`, help, stability: 'ALPHA' }));
  const pinning = {
    cpu: {
      asked: counter('cpu_manager_pinning_requests_total', 'How often CPUs were asked for as somebody’s own.'),
      failed: counter('cpu_manager_pinning_errors_total', 'How often there were none.'),
    },
    memory: {
      asked: counter('memory_manager_pinning_requests_total', 'How often memory was asked for of certain nodes.'),
      failed: counter('memory_manager_pinning_errors_total', 'How often there was none.'),
    },
  };
  const shared = gauge('cpu_manager_shared_pool_size_millicores', 'Thousandths of CPUs that are nobody’s own.');
  const own = gauge('cpu_manager_exclusive_cpu_allocation_count', 'CPUs that are somebody’s own.');
  const admissions = counter('topology_manager_admission_requests_total', 'Pods that wanted something of their own.');
  const errors = counter('topology_manager_admission_errors_total', 'Pods that did not get it.');
  const duration = registry.register(
    new Histogram(
      {
        name: 'kubelet_topology_manager_admission_duration_ms',
        help: 'Milliseconds until they had it, or not.',
        stability: 'ALPHA',
      },
      BOUNDS,
    ),
  );
  return {
    pin: (resource, give) => {
      pinning[resource].asked.with().inc();
      try {
        return give();
      } catch (error) {
        pinning[resource].failed.with().inc();
        throw error;
      }
    },
    cpus: (count, exclusive) => {
      shared.with().value = count * 1000;
      own.with().value = exclusive;
    },
    admitted: (failed, ms) => {
      admissions.with().inc();
      if (failed) errors.with().inc();
      duration.with().observe(ms);
    },
  };
}

type Allocate = (pod: Pod) => Promise<Rejection | undefined> | undefined;

/** The same, and it is counted. */
export function countingAdmissions(allocate: Allocate, metrics: ExclusiveMetrics, clock: Clock): Allocate {
  return (pod) => {
    const startedAt = clock.now();
    const found = allocate(pod);
    if (!found) metrics.admitted(false, 0);
    return found?.then((rejection) => {
      metrics.admitted(rejection !== undefined, clock.now() - startedAt);
      return rejection;
    });
  };
}
