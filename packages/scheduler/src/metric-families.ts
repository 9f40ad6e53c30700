/** What its counters and histograms are called (pkg/scheduler/metrics/metrics.go). */
import { type Description, exponentialBounds, type Stability } from '@keelson/component/metrics/families';

export function describe(name: string, help: string, stability: Stability, ...labels: string[]): Description {
  return { name: `scheduler_${name}`, help, stability, labels };
}

export const COUNTERS = {
  batchAttempts: describe(
    'batch_attempts_total',
    'Pods by whether they went on with the ranking of nodes of a pod like them.',
    'ALPHA',
    'profile',
    'result',
  ),
  batchFlushes: describe(
    'batch_cache_flushed_total',
    'Rankings of nodes that were not gone on with, by reason.',
    'ALPHA',
    'profile',
    'reason',
  ),
  attempts: describe('schedule_attempts_total', 'Attempts to schedule pods, by result.', 'STABLE', 'result', 'profile'),
  preemptions: describe('preemption_attempts_total', 'Attempts to make room for pods.', 'STABLE'),
  incoming: describe('queue_incoming_pods_total', 'Pods that got into a queue, by event.', 'STABLE', 'queue', 'event'),
  afterFlush: describe(
    'pod_scheduled_after_flush_total',
    'Pods scheduled although nothing was known to have helped them.',
    'ALPHA',
  ),
  evaluations: describe(
    'plugin_evaluation_total',
    'How often plugins were asked.',
    'BETA',
    'plugin',
    'extension_point',
    'profile',
  ),
  evictions: describe(
    'preemption_goroutines_execution_total',
    'How often victims were taken away, by how that ended.',
    'ALPHA',
    'result',
  ),
  claims: describe('resourceclaim_creates_total', 'Claims made for extended resources.', 'ALPHA', 'status'),
  awaited: describe(
    'dra_bindingconditions_allocations_total',
    'Devices that had to be prepared, by attempt.',
    'ALPHA',
    'profile',
    'driver',
    'status',
  ),
} as const;

interface Distribution {
  readonly bounds: readonly number[];
  readonly description: Description;
}

function spread(bounds: readonly number[], ...args: Parameters<typeof describe>): Distribution {
  return { bounds, description: describe(...args) };
}

const MILLIS = exponentialBounds(0.001, 2, 15);
const MICROS = exponentialBounds(0.00001, 1.5, 20);

export const HISTOGRAMS = {
  nodeHintSeconds: spread(
    exponentialBounds(0.00001, 2, 12),
    'get_node_hint_duration_seconds',
    'How long a hint of a node was looked for.',
    'ALPHA',
    'hinted',
    'profile',
  ),
  storeSeconds: spread(
    exponentialBounds(0.00001, 2, 12),
    'store_schedule_results_duration_seconds',
    'How long it took to put a ranking of nodes away.',
    'ALPHA',
    'profile',
  ),
  attemptSeconds: spread(
    MILLIS,
    'scheduling_attempt_duration_seconds',
    'How long attempts took, binding included.',
    'STABLE',
    'result',
    'profile',
  ),
  algorithmSeconds: spread(
    MILLIS,
    'scheduling_algorithm_duration_seconds',
    'How long it took to find a node.',
    'ALPHA',
  ),
  sliSeconds: spread(
    exponentialBounds(0.01, 2, 20),
    'pod_scheduling_sli_duration_seconds',
    'From when a pod was first in the queue until it was bound, all attempts included.',
    'BETA',
    'attempts',
  ),
  tries: spread(
    exponentialBounds(1, 2, 5),
    'pod_scheduling_attempts',
    'Attempts that pods took that were scheduled.',
    'STABLE',
  ),
  victims: spread(exponentialBounds(1, 2, 7), 'preemption_victims', 'Pods chosen to make room for another.', 'STABLE'),
  extensionSeconds: spread(
    exponentialBounds(0.0001, 2, 12),
    'framework_extension_point_duration_seconds',
    'How long all plugins took in one place of a cycle.',
    'STABLE',
    'extension_point',
    'status',
    'profile',
  ),
  pluginSeconds: spread(
    MICROS,
    'plugin_execution_duration_seconds',
    'How long single plugins took; of one in a hundred pods.',
    'ALPHA',
    'plugin',
    'extension_point',
    'status',
  ),
  hintSeconds: spread(
    MICROS,
    'queueing_hint_execution_duration_seconds',
    'How long plugins took to say whether an event helps a pod.',
    'ALPHA',
    'plugin',
    'event',
    'hint',
  ),
  permitSeconds: spread(
    MILLIS,
    'permit_wait_duration_seconds',
    'How long pods waited for leave to be bound.',
    'BETA',
    'result',
  ),
  evictionSeconds: spread(
    exponentialBounds(0.01, 2, 20),
    'preemption_goroutines_duration_seconds',
    'How long it took to take victims away.',
    'ALPHA',
    'result',
  ),
  awaitedSeconds: spread(
    exponentialBounds(0.1, 2, 14),
    'dra_bindingconditions_wait_duration_seconds',
    'How long devices that had to be prepared were waited for.',
    'ALPHA',
    'profile',
    'driver',
    'status',
  ),
} as const;
