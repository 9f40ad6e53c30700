/**
 * The end of the machine, of which it is told in time: the node takes no more pods, and those that it has end before it, the
 * least important ones first (pkg/kubelet/nodeshutdown). docs/kubelet.md draws it.
 */
import type { ObjectReference, Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Rejection } from '../pods/admission.ts';
import type { EvictionNotice } from '../pods/manager.ts';
import { uidOf } from '../pods/spec.ts';
import { isAlive, type WorkerState } from '../pods/state.ts';
import { terminationByKubelet } from '../status/conditions.ts';
import type { Lock, Logind, Watch } from './logind.ts';
import { groupByPriority, type ShutdownPeriod } from './periods.ts';
import { ShutdownRecord } from './record.ts';

export interface NodeShutdownOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  /** Without them the machine waits for nobody. */
  readonly periods: readonly ShutdownPeriod[];
  readonly logind: Logind;
  /** Of the kubelet's data. */
  readonly directory: string;
  readonly metrics?: MetricsRegistry | undefined;
  /** Those that run, or may run. */
  pods(): readonly Pod[];
  evict(uid: string, notice: EvictionNotice): void;
  /** How far a pod has come; undefined when nothing is left of it. */
  phaseOf(uid: string): WorkerState['phase'] | undefined;
  /** The node is about to go down, or is not. */
  changed(): void;
}

const ENDED = { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' };
const REFUSED: Rejection = { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' };
const EVENT = 'Shutdown';
const RECONNECT_MS = 1_000;
const POLL_MS = 100;
/** How often it is looked whether the longer delay has been taken over, and how long that is waited for at first. */
const DELAY_LOOKS = 5;
const DELAY_PAUSE_MS = 100;
const LEAST_KILL_SECONDS = 10;

export class NodeShutdown {
  readonly #options: NodeShutdownOptions;
  readonly #record: ShutdownRecord;
  #isShuttingDown = false;
  #lock: Lock | undefined;
  #watch: Watch | undefined;
  /** What is announced is dealt with one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: NodeShutdownOptions) {
    this.#options = options;
    this.#record = new ShutdownRecord(options);
  }

  /** Why the node is not ready. */
  problems(): readonly string[] {
    return this.#isShuttingDown ? ['node is shutting down'] : [];
  }

  admit(): Rejection | undefined {
    return this.#isShuttingDown ? REFUSED : undefined;
  }

  /** Resolves when the machine waits for this kubelet, or it is known and logged that it does not. */
  async start(): Promise<void> {
    const { world, periods } = this.#options;
    if (periods.length === 0) return;
    await this.#record.restore();
    try {
      this.#watch = await this.#begin();
    } catch (error) {
      // The kubelet is of use on machines without systemd too.
      world.log.error({ error }, 'Failed to start node shutdown manager');
      return;
    }
    if (this.#stopped) this.stop();
    else void this.#keep();
  }

  /** The machine waits no longer. */
  stop(): void {
    this.#stopped = true;
    this.#watch?.stop();
    this.#release();
  }

  async #keep(): Promise<void> {
    const { world } = this.#options;
    while (!this.#stopped) {
      await this.#watch?.ended;
      await this.#pause(RECONNECT_MS);
      if (this.#stopped) return;
      this.#watch = await this.#begin().catch((error) => {
        world.log.error({ error }, 'Unable to watch the node for shutdown events');
        return undefined;
      });
      if (this.#stopped) this.stop();
    }
  }

  async #begin(): Promise<Watch> {
    const { logind } = this.#options;
    await this.#prolong();
    await this.#acquire();
    return logind.watch((isShuttingDown) => {
      this.#turn = this.#turn.then(() => this.#announced(isShuttingDown));
    });
  }

  /** Has the machine wait for as long as pods may take. */
  async #prolong(): Promise<void> {
    const { logind, periods } = this.#options;
    const wanted = periods.reduce((sum, { seconds }) => sum + seconds, 0) * 1000;
    if ((await logind.delayMs()) >= wanted) return;
    await logind.setDelay(wanted);
    let current = 0;
    for (let look = 0; look < DELAY_LOOKS; look++) {
      current = await logind.delayMs();
      if (current >= wanted) return;
      if (look < DELAY_LOOKS - 1) await this.#pause(DELAY_PAUSE_MS * 2 ** look);
    }
    const waited = `timed out after ${DELAY_LOOKS} attempts waiting for logind InhibitDelayMaxSec to update`;
    const sizes = `${wanted / 1000}s (ShutdownGracePeriod), current value is ${current / 1000}s`;
    throw new Error(`node shutdown manager was ${waited} to ${sizes}`);
  }

  async #acquire(): Promise<void> {
    const lock = await this.#options.logind.lock();
    this.#release();
    this.#lock = lock;
  }

  #release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  async #announced(isShuttingDown: boolean): Promise<void> {
    const { world, recorder, node, changed } = this.#options;
    if (this.#stopped) return;
    const what = isShuttingDown ? 'event' : 'cancellation';
    recorder.event(node, 'Normal', EVENT, `Shutdown manager detected shutdown ${what}`);
    this.#isShuttingDown = isShuttingDown;
    try {
      if (!isShuttingDown) return await this.#acquire();
      changed();
      await this.#shutDown();
    } catch (error) {
      world.log.error({ error }, 'Could not do what the end of the machine asks for');
    }
  }

  async #shutDown(): Promise<void> {
    const pods = this.#options.pods();
    try {
      await this.#record.began();
      for (const group of groupByPriority(this.#options.periods, pods)) {
        if (group.pods.length > 0) await this.#end(group.pods, group.period.seconds);
      }
      await this.#record.ended();
    } finally {
      this.#release();
    }
  }

  /** Resolves when nothing is left of any, or their time is up. */
  async #end(pods: readonly Pod[], seconds: number): Promise<void> {
    const { clock } = this.#options.world;
    const { phaseOf } = this.#options;
    const until = clock.now() + seconds * 1000;
    for (const pod of pods) this.#endOne(pod, seconds);
    const isLeft = (pod: Pod) => (phaseOf(uidOf(pod)) ?? 'finished') !== 'finished';
    while (clock.now() < until && pods.some(isLeft) && !this.#stopped) await this.#pause(POLL_MS);
  }

  #endOne(pod: Pod, seconds: number): void {
    const { evict, phaseOf, recorder, world } = this.#options;
    const grace = Math.min(pod.spec?.terminationGracePeriodSeconds ?? seconds, seconds);
    evict(uidOf(pod), {
      ...ENDED,
      graceSeconds: Math.max(1, grace),
      condition: terminationByKubelet(pod, ENDED.message),
    });
    const late = () => {
      const phase = phaseOf(uidOf(pod));
      if (phase === undefined || !isAlive({ phase })) return;
      const message = 'Container runtime did not kill the pod within specified grace period.';
      recorder.event(pod, 'Warning', 'ExceededGracePeriod', message);
    };
    const patience = Math.max(LEAST_KILL_SECONDS, grace + Math.floor(grace / 2));
    world.clock.after(patience * 1000, late, { background: true });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.world.clock.after(ms, resolve, { background: true }));
  }
}
