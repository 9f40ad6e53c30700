/** Probes of the pods of a node. Compare pkg/kubelet/prober/prober_manager.go. */
import type { Container, ContainerStatus, Pod, PodStatus, Probe } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { containersOf, type PodContainer } from '../pods/spec.ts';
import type { ProbeMetrics } from './metrics.ts';
import { Prober, TITLES } from './prober.ts';
import type { ProbeKind, Probes } from './probes.ts';
import type { RunProbe } from './run.ts';

export interface ProbeManagerOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly run: RunProbe;
  readonly metrics?: ProbeMetrics | undefined;
  /** A finding of a pod has changed. */
  changed(uid: string): void;
}

/** What ran for so long before the kubelet came is taken for what it was said to be. */
const RESTART_GRACE_MS = 10_000;
const KINDS: readonly ProbeKind[] = ['startup', 'liveness', 'readiness'];

type PodProbes = Map<string, Prober>;

export class ProbeManager implements Probes {
  readonly #options: ProbeManagerOptions;
  readonly #startedAt: number;
  readonly #pods = new Map<string, PodProbes>();

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
    this.#startedAt = options.world.clock.now();
  }

  of(uid: string) {
    const probes = this.#pods.get(uid);
    const finding = (kind: ProbeKind, id: string) => {
      for (const prober of probes?.values() ?? []) {
        if (prober.kind === kind && prober.containerId === id) return prober.finding;
      }
      return undefined;
    };
    return {
      liveness: (id: string) => finding('liveness', id),
      startup: (id: string) => finding('startup', id),
      readiness: (id: string) => finding('readiness', id),
      has: (kind: 'startup' | 'readiness', name: string) =>
        this.#specs.get(uid)?.wanted.has(`${name}/${kind}`) ?? false,
    };
  }

  /** Pods with probes, and which: `CONTAINER/KIND`. */
  readonly #specs = new Map<string, { readonly pod: Pod; readonly wanted: ReadonlySet<string> }>();

  follow(pod: Pod, uid: string, status: PodStatus): void {
    const wanted = new Set<string>();
    for (const container of containersOf(pod)) {
      if (container.role === 'init' || container.role === 'ephemeral') continue;
      for (const kind of KINDS) if (probeOf(container.spec, kind)) wanted.add(`${container.spec.name}/${kind}`);
    }
    if (wanted.size === 0) return;
    this.#specs.set(uid, { pod, wanted });
    const probes: PodProbes = this.#pods.get(uid) ?? new Map();
    this.#pods.set(uid, probes);
    const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    for (const container of containersOf(pod)) {
      const current = statuses.find(({ name }) => name === container.spec.name);
      for (const kind of KINDS) {
        const key = `${container.spec.name}/${kind}`;
        const spec = probeOf(container.spec, kind);
        if (!spec || !wanted.has(key)) continue;
        this.#follow(probes, key, { pod, uid, container, kind, spec, current, podIp: status.podIP ?? '' });
      }
    }
  }

  ending(uid: string): void {
    for (const prober of this.#pods.get(uid)?.values() ?? []) if (prober.kind !== 'readiness') prober.quiet();
  }

  forget(uid: string): void {
    for (const prober of this.#pods.get(uid)?.values() ?? []) prober.stop();
    this.#pods.delete(uid);
    const { pod, wanted = [] } = this.#specs.get(uid) ?? {};
    for (const key of wanted) {
      const [container = '', kind] = key.split('/') as [string, ProbeKind];
      this.#options.metrics?.forget(TITLES[kind], pod!, container);
    }
    this.#specs.delete(uid);
  }

  stop(): void {
    for (const uid of [...this.#pods.keys()]) this.forget(uid);
  }

  #follow(probes: PodProbes, key: string, subject: Subject): void {
    const { current, kind, container, pod, uid, spec, podIp } = subject;
    const known = probes.get(key);
    const startedAt = current?.state.running?.startedAt;
    const id = startedAt && current.containerID ? bareId(current.containerID) : undefined;
    if (known && known.containerId !== id) {
      known.stop();
      probes.delete(key);
    }
    if (!id) return;
    const started = current!.started === true;
    // Of a container that has not started up only that is asked; of one that has, never again.
    const active = kind === 'startup' ? !started : started;
    const prober =
      probes.get(key) ??
      new Prober({
        ...this.#options,
        kind,
        pod,
        container,
        spec,
        containerId: id,
        podIp,
        startedAt: Date.parse(startedAt!),
        initial: this.#initial(kind, pod, current!, Date.parse(startedAt!)),
        changed: () => this.#options.changed(uid),
      });
    probes.set(key, prober);
    if (active) prober.start();
  }

  #initial(kind: ProbeKind, pod: Pod, { name, containerID, started }: ContainerStatus, startedAt: number) {
    if (kind === 'liveness') return true;
    const survivor = startedAt < this.#startedAt - RESTART_GRACE_MS;
    if (kind === 'startup') return survivor && started ? true : undefined;
    const said = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const before = said.find((status) => status.name === name && status.containerID === containerID);
    return survivor && before?.ready === true;
  }
}

interface Subject {
  readonly pod: Pod;
  readonly uid: string;
  readonly container: PodContainer;
  readonly kind: ProbeKind;
  readonly spec: Probe;
  readonly current: ContainerStatus | undefined;
  readonly podIp: string;
}

function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  const { livenessProbe, readinessProbe, startupProbe } = container;
  return { liveness: livenessProbe, readiness: readinessProbe, startup: startupProbe }[kind];
}

const bareId = (containerID: string) => containerID.slice(containerID.indexOf('://') + 3);
