/** What is counted of pods' workers, and how many pods there are in which state (pkg/kubelet/metrics/metrics.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import {
  Counter,
  DEFAULT_BOUNDS,
  type Description,
  exponentialBounds,
  Gauge,
  Histogram,
} from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PodListing } from '../runtime/runtime.ts';
import { isStatic } from './spec.ts';
import type { WorkerState } from './state.ts';

/** Why a worker takes a step. */
export type StepCause = 'create' | 'update' | 'sync' | 'kill' | 'terminated';

const ALPHA = { stability: 'ALPHA' } as const;
const START_BOUNDS = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600,
];
const STATUS_BOUNDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60];

const about = (name: string, help: string, ...labels: string[]): Description => ({
  name: `kubelet_${name}`,
  help,
  ...ALPHA,
  labels,
});

/** Times are in milliseconds. */
export class WorkerMetrics {
  readonly #containers: Histogram;
  readonly #steps: Histogram;
  readonly #begun: Histogram;
  readonly #running: Histogram;
  readonly #started: Histogram;
  readonly #statuses: Histogram;
  readonly #sandboxes: Histogram;
  readonly #sandboxErrors: Counter;
  readonly #restarted: Counter;
  readonly #orphans: Counter;

  constructor(registry: MetricsRegistry) {
    const histogram = (bounds: readonly number[], ...description: Parameters<typeof about>) =>
      registry.register(new Histogram(about(...description), bounds));
    const counter = (...description: Parameters<typeof about>) => registry.register(new Counter(about(...description)));
    this.#containers = histogram(exponentialBounds(1, 2, 5), 'containers_per_pod_count', 'Containers of new pods.');
    this.#steps = histogram(
      DEFAULT_BOUNDS,
      'pod_worker_duration_seconds',
      'How long a step of a pod took, by its cause.',
      'operation_type',
    );
    this.#begun = histogram(
      DEFAULT_BOUNDS,
      'pod_worker_start_duration_seconds',
      'From when a pod was first seen until it was worked on.',
    );
    this.#running = histogram(
      START_BOUNDS,
      'pod_start_duration_seconds',
      'From when a pod was first seen until it ran.',
    );
    this.#started = histogram(
      START_BOUNDS,
      'pod_start_total_duration_seconds',
      'From when a pod was made until the API server told that its containers had started.',
    );
    this.#statuses = histogram(
      STATUS_BOUNDS,
      'pod_status_sync_duration_seconds',
      'From a change of a status until the API server had it.',
    );
    this.#sandboxes = histogram(
      DEFAULT_BOUNDS,
      'run_podsandbox_duration_seconds',
      'How long it took to make sandboxes.',
      'runtime_handler',
    );
    this.#sandboxErrors = counter(
      'run_podsandbox_errors_total',
      'Sandboxes that could not be made.',
      'runtime_handler',
    );
    this.#restarted = counter('restarted_pods_total', 'Pods that came back under their uid.', 'static');
    for (const label of STATIC) this.#restarted.with(label);
    this.#orphans = counter('orphaned_runtime_pods_total', 'Pods of nobody that the runtime had.');
  }

  /** A worker is there for a pod. */
  admitted({ spec }: Pod): void {
    this.#containers.with().observe(spec.containers?.length ?? 0);
  }
  /** It takes its first step. */
  begun(sinceSeen: number): void {
    this.#begun.with().observe(sinceSeen / 1000);
  }
  stepped(cause: StepCause, ms: number): void {
    this.#steps.with(cause).observe(ms / 1000);
  }
  running(sinceSeen: number): void {
    this.#running.with().observe(sinceSeen / 1000);
  }
  started(sinceMade: number): void {
    this.#started.with().observe(sinceMade / 1000);
  }
  statusWritten(sinceChange: number): void {
    this.#statuses.with().observe(sinceChange / 1000);
  }
  sandboxMade(handler: string, ms: number): void {
    this.#sandboxes.with(handler).observe(ms / 1000);
  }
  sandboxFailed(handler: string): void {
    this.#sandboxErrors.with(handler).inc();
  }
  restarted(pod: Pod): void {
    this.#restarted.with(staticLabel(pod)).inc();
  }
  orphaned(): void {
    this.#orphans.with().inc();
  }
}

const STATIC = ['', 'true'] as const;
const staticLabel = (pod: Pod) => STATIC[isStatic(pod) ? 1 : 0];

/** Read when somebody asks. */
export interface PodLevels {
  readonly nodeName: string;
  /** All that sources have. */
  desired(): readonly Pod[];
  /** Those that run or may. */
  active(): readonly Pod[];
  /** Of all workers. @returns `isKnown`: whether a source has the pod still */
  workers(): Iterable<{ readonly pod: Pod; readonly state: WorkerState; readonly isKnown: boolean }>;
  /** Of static pods. */
  mirrors(): number;
  list(): Promise<readonly PodListing[]>;
}

const LIFECYCLES: Readonly<Record<WorkerState['phase'], string>> = {
  syncing: 'sync',
  terminating: 'terminating',
  terminated: 'terminated',
  finished: 'terminated',
};

export function registerPodLevels(registry: MetricsRegistry, levels: PodLevels): void {
  const gauge = (collect: (gauge: Gauge) => void | Promise<void>, ...description: Parameters<typeof about>) =>
    registry.register(new Gauge(about(...description), collect));
  const byStatic = (pods: () => readonly Pod[], name: string, help: string) =>
    gauge(
      (family) => {
        for (const label of STATIC) family.with(label).value = 0;
        for (const pod of pods()) family.with(staticLabel(pod)!).value++;
      },
      name,
      help,
      'static',
    );
  const single = (read: () => number, name: string, help: string) =>
    gauge(
      (family) => {
        family.with().value = read();
      },
      name,
      help,
    );
  gauge(
    (family) => {
      family.with(levels.nodeName).value = 1;
    },
    'node_name',
    'The name of the node.',
    'node',
  );
  byStatic(levels.desired, 'desired_pods', 'Pods that are to be on the node.');
  byStatic(levels.active, 'active_pods', 'Pods that run on the node, or may.');
  single(levels.mirrors, 'mirror_pods', 'Pods that show static ones to the API server.');
  single(
    () => levels.desired().reduce((sum, { spec }) => sum + (spec.ephemeralContainers?.length ?? 0), 0),
    'managed_ephemeral_containers',
    'Ephemeral containers of the pods that are to be on the node.',
  );
  gauge(
    (family) => {
      for (const config of ['desired', 'orphan'])
        for (const lifecycle of new Set(Object.values(LIFECYCLES)))
          for (const label of STATIC) family.with(lifecycle, config, label).value = 0;
      for (const { pod, state, isKnown } of levels.workers())
        family.with(LIFECYCLES[state.phase], isKnown ? 'desired' : 'orphan', staticLabel(pod)!).value++;
    },
    'working_pods',
    'Pods that are worked on, by what their sources say of them.',
    'lifecycle',
    'config',
    'static',
  );
  /** What the runtime has; nothing where it does not answer. */
  const listed =
    (count: (gauge: Gauge, pods: readonly PodListing[]) => void) =>
    async (family: Gauge): Promise<void> => {
      family.clear();
      const pods = await levels.list().catch(() => undefined);
      if (pods) count(family, pods);
    };
  gauge(
    listed((family, pods) => {
      family.with().value = pods.filter(({ sandboxes }) => sandboxes.some(({ ready }) => ready)).length;
    }),
    'running_pods',
    'Pods of which a sandbox runs.',
  );
  gauge(
    listed((family, pods) => {
      for (const { state } of pods.flatMap(({ containers }) => containers)) family.with(state).value++;
    }),
    'running_containers',
    'Containers that the runtime has, by state.',
    'container_state',
  );
}
