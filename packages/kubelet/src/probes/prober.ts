/** One probe of one container, from its start to its end (pkg/kubelet/prober/worker.go). */
import type { Pod, Probe } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { containerReference } from '../pods/services.ts';
import type { PodContainer } from '../pods/spec.ts';
import type { ProbeMetrics } from './metrics.ts';
import type { ProbeKind } from './probes.ts';
import type { ProbeOutcome, RunProbe } from './run.ts';

export interface ProberOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly run: RunProbe;
  readonly kind: ProbeKind;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly spec: Probe;
  readonly containerId: string;
  readonly podIp: string;
  readonly startedAt: number;
  readonly initial: boolean | undefined;
  readonly metrics?: ProbeMetrics | undefined;
  changed(): void;
}

/** A probe that could not even be made is tried so often before that is told. */
const TRIES = 3;
/** As events and metrics name them. */
export const TITLES = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };

export class Prober {
  readonly kind: ProbeKind;
  readonly containerId: string;
  /** True: well, ready, started; undefined: not found out yet. */
  finding: boolean | undefined;
  readonly #options: ProberOptions;
  #phase: 'idle' | 'probing' | 'onHold' | 'stopped' = 'idle';
  #run: { readonly success: boolean; readonly times: number } | undefined;
  #cancel = () => {};

  constructor(options: ProberOptions) {
    this.#options = options;
    this.kind = options.kind;
    this.containerId = options.containerId;
    this.finding = options.initial;
  }

  /** Begins, after the initial delay, if it has not begun. */
  start(): void {
    if (this.#phase !== 'idle') return;
    this.#phase = 'probing';
    const { world, spec, startedAt } = this.#options;
    const delay = startedAt + (spec.initialDelaySeconds ?? 0) * 1000 - world.clock.now();
    this.#after(Math.max(0, delay));
  }

  /** From now on it finds nothing wrong. */
  quiet(): void {
    this.stop();
    this.finding = true;
  }

  stop(): void {
    this.#phase = 'stopped';
    this.#cancel();
  }

  #after(ms: number): void {
    this.#cancel = this.#options.world.clock.after(ms, () => void this.#probe(), { background: true });
  }

  async #probe(): Promise<void> {
    const { world, metrics, pod, container } = this.#options;
    const began = world.clock.now();
    const outcome = await this.#tried();
    if (this.#phase !== 'probing') return;
    if (outcome.type !== 'error') {
      const seconds = (world.clock.now() - began) / 1000;
      metrics?.probed(TITLES[this.kind], pod, container.spec.name, outcome.type !== 'failure', seconds);
    }
    this.#tell(outcome);
    if (outcome.type !== 'error') this.#count(outcome.type !== 'failure');
    if (this.#phase === 'probing') this.#after((this.#options.spec.periodSeconds ?? 10) * 1000);
  }

  async #tried(): Promise<ProbeOutcome> {
    const { run, spec, container, containerId, podIp } = this.#options;
    let outcome: ProbeOutcome = { type: 'error', output: '' };
    for (let i = 0; i < TRIES && outcome.type === 'error'; i++) {
      outcome = await run({ spec, container: container.spec, containerId, podIp });
    }
    return outcome;
  }

  #count(success: boolean): void {
    const { spec } = this.#options;
    const times = this.#run?.success === success ? this.#run.times + 1 : 1;
    this.#run = { success, times };
    if (times < ((success ? spec.successThreshold : spec.failureThreshold) ?? (success ? 1 : 3))) return;
    const before = this.finding;
    this.finding = success;
    if (this.kind === 'startup' || (this.kind === 'liveness' && !success)) this.#phase = 'onHold';
    if (before !== success) this.#options.changed();
  }

  #tell({ type, output }: ProbeOutcome): void {
    if (type === 'success') return;
    const { recorder, pod, container } = this.#options;
    const title = TITLES[this.kind];
    const [reason, message] = {
      warning: ['ProbeWarning', `${title} probe warning: ${output}`],
      failure: ['Unhealthy', `${title} probe failed: ${output}`],
      error: ['Unhealthy', `${title} probe errored and resulted in unknown state: ${output}`],
    }[type] as [string, string];
    recorder.event(containerReference(pod, container), 'Warning', reason, message);
  }
}
