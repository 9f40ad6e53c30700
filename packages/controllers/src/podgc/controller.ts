/** Deletes pods that nobody else will delete (pkg/controller/podgc). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { hasReason, keyOf, WorkQueue } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { settleAll } from '../pods/batch.ts';
import { podInformer } from '../pods/informer.ts';
import { isTerminal } from '../pods/state.ts';
import { runQueue } from '../work.ts';
import { onMissingNodes, stuckOutOfService, terminatedBeyond, unscheduledTerminating } from './decide.ts';
import { PodCollectorMetrics, type Reason } from './metrics.ts';

const PERIOD_MS = 20_000;
/** A node has to be missing for so long: it may be that the copy of its pods is ahead of that of nodes. */
const QUARANTINE_MS = 40_000;

/** Reads `terminatedPodThreshold`. */
export async function start(context: ControllerContext): Promise<Running> {
  const { informers, world } = context;
  const pods = podInformer(informers);
  const nodes = informers.informer('nodes');
  const collector = new PodCollector(context);
  const queue = new WorkQueue<'all'>(world, 'orphaned_pods_nodes');
  queue.add('all');
  return runQueue(context, {
    queue,
    informers: [pods, nodes],
    workers: 1,
    async reconcile() {
      await collector.collect(pods.store.list(), (name) => nodes.store.get(name));
      return { afterMs: PERIOD_MS };
    },
  });
}

class PodCollector {
  readonly #clock;
  readonly #log;
  readonly #pods;
  readonly #nodes;
  readonly #threshold: number;
  readonly #metrics: PodCollectorMetrics;
  /** Since when nodes are missing. */
  readonly #missing = new Map<string, number>();

  constructor({ client, world, settings, metrics }: ControllerContext) {
    this.#metrics = new PodCollectorMetrics(metrics);
    this.#clock = world.clock;
    this.#log = world.log;
    this.#pods = client.resource('pods');
    this.#nodes = client.resource('nodes');
    this.#threshold = settings.terminatedPodThreshold;
  }

  async collect(pods: readonly Pod[], node: Parameters<typeof stuckOutOfService>[1]): Promise<void> {
    const all = new Map<Pod, Reason>([
      ...unscheduledTerminating(pods).map((pod) => [pod, 'unscheduled'] as const),
      ...stuckOutOfService(pods, node).map((pod) => [pod, 'out-of-service'] as const),
      ...terminatedBeyond(pods, this.#threshold).map((pod) => [pod, 'terminated'] as const),
    ]);
    const orphaned = await this.#orphaned(pods, (name) => node(name) !== undefined);
    const lost = { type: 'DisruptionTarget', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };
    await settleAll([
      ...Array.from(all, ([pod, reason]) => this.#metrics.counted(pod, reason, () => this.#delete(pod))),
      ...orphaned.map((pod) => this.#metrics.counted(pod, 'orphaned', () => this.#delete(pod, lost))),
    ]);
  }

  async #orphaned(pods: readonly Pod[], exists: (name: string) => boolean): Promise<Pod[]> {
    const now = this.#clock.now();
    const missing = onMissingNodes(pods, exists);
    for (const name of this.#missing.keys()) if (!missing.has(name)) this.#missing.delete(name);
    const found: Pod[] = [];
    for (const [name, bound] of missing) {
      const since = this.#missing.get(name) ?? now;
      this.#missing.set(name, since);
      if (now - since >= QUARANTINE_MS && (await this.#isGone(name))) found.push(...bound);
    }
    return found;
  }

  async #isGone(node: string): Promise<boolean> {
    try {
      await this.#nodes.get({ name: node });
      return false;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return true;
      throw error;
    }
  }

  /** What has not come to its end has failed, so that nobody waits for it. */
  async #delete(pod: Pod, condition?: { type: string; reason: string; message: string }): Promise<void> {
    const { namespace, name, uid, generation } = pod.metadata;
    this.#log.info({ namespace, name }, 'A pod is deleted by force: nobody else will');
    try {
      if (!isTerminal(pod)) {
        const lastTransitionTime = formatTime(new Date(this.#clock.now()));
        const observed = generation === undefined ? {} : { observedGeneration: generation };
        const conditions = condition ? { conditions: [{ ...condition, status: 'True', lastTransitionTime }] } : {};
        const status = { phase: 'Failed', ...observed, ...conditions };
        await this.#pods.patch(keyOf(pod), 'strategic', { metadata: { uid }, status }, { subresource: 'status' });
      }
      await this.#pods.delete(keyOf(pod), { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}
