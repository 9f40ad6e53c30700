/**
 * Empties namespaces that are being deleted, pods first, then lets go of them (pkg/controller/namespace).
 *
 *     Terminating ── delete all pods ── gone ─▶ delete everything else ── gone ─▶ finalize
 *          ▲               │ some left                │ some left
 *          └── looks again after half of the time they may take ◀──┘
 */
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { parseTime } from '@keelson/api/time';
import {
  type Again,
  type Client,
  discover,
  hasReason,
  preferred,
  retryOnConflict,
  type ServedResource,
  WorkQueue,
} from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue, workersOf } from '../work.ts';
import { type Outcome, withOutcome } from './conditions.ts';
import { deleteAll, isPods } from './content.ts';

const FINALIZER = 'kubernetes';

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'namespace');
  const enqueue = ({ metadata }: Namespace) => {
    if (metadata.deletionTimestamp) queue.add(metadata.name!);
  };
  const namespaces = informers.informer('namespaces');
  namespaces.addHandler({ added: enqueue, updated: (_, namespace) => enqueue(namespace) });
  const deleter = new NamespaceDeleter(client, world.clock);
  return runQueue(context, {
    queue,
    informers: [namespaces],
    workers: workersOf(context, 'namespace-controller', 10),
    reconcile: (name) => deleter.sync(name),
  });
}

class NamespaceDeleter {
  readonly #client: Client;
  readonly #clock: { now(): number };

  constructor(client: Client, clock: { now(): number }) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws Error with all that went wrong: then it is tried again */
  async sync(name: string): Promise<Again | undefined> {
    try {
      const namespace = await this.#terminating(name);
      if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.length) return undefined;
      const estimate = await this.#empty(namespace);
      if (estimate > 0) return { afterMs: (Math.floor(estimate / 2) + 1) * 1000 };
      await this.#finalize(name, namespace.metadata.uid!);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    return undefined;
  }

  get #namespaces() {
    return this.#client.resource('namespaces');
  }

  /** The namespace, its phase said; undefined when it stays. */
  async #terminating(name: string): Promise<Namespace | undefined> {
    return retryOnConflict(async () => {
      const namespace = await this.#namespaces.get({ name });
      if (!namespace.metadata.deletionTimestamp) return undefined;
      if (namespace.status?.phase === 'Terminating') return namespace;
      return this.#namespaces.updateStatus({ ...namespace, status: { ...namespace.status, phase: 'Terminating' } });
    });
  }

  /** @returns seconds until it is worth looking again; 0: nothing is left */
  async #empty(namespace: Namespace): Promise<number> {
    const name = namespace.metadata.name!;
    const deletedForMs = this.#clock.now() - parseTime(namespace.metadata.deletionTimestamp!).seconds * 1000;
    const { resources, stale: undiscovered } = await discover(this.#client);
    const deletable = preferred(resources).filter(({ namespaced, verbs }) => namespaced && verbs.includes('delete'));
    const [remaining, finalizers] = [new Map<string, number>(), new Map<string, number>()];
    const failures: string[] = [];
    let estimate = 0;
    const empty = async (resource: ServedResource) => {
      try {
        const left = await deleteAll(this.#client, resource, name, deletedForMs);
        estimate = Math.max(estimate, left.estimateSeconds);
        if (left.count > 0) remaining.set(`${resource.resource}.${resource.group}`, left.count);
        for (const [finalizer, count] of left.finalizers) {
          finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + count);
        }
      } catch (error) {
        failures.push((error as Error).message);
      }
    };
    for (const resource of deletable.filter(isPods)) await empty(resource);
    if (remaining.size === 0) await Promise.all(deletable.filter((each) => !isPods(each)).map(empty));
    const problems = [...undiscovered.map((each) => `no discovery of ${each}`), ...failures];
    await this.#tell(namespace, { undiscovered, failures, remaining, finalizers });
    if (problems.length > 0) throw new Error(problems.join('; '));
    return estimate;
  }

  async #tell(namespace: Namespace, outcome: Outcome): Promise<void> {
    const before = namespace.status?.conditions ?? [];
    const conditions = withOutcome(before, outcome, new Date(this.#clock.now()));
    if (conditions === before) return;
    await this.#namespaces.updateStatus({ ...namespace, status: { ...namespace.status, conditions: [...conditions] } });
  }

  async #finalize(name: string, uid: string): Promise<void> {
    await retryOnConflict(async () => {
      const namespace = await this.#namespaces.get({ name });
      if (namespace.metadata.uid !== uid) return;
      const finalizers = (namespace.spec?.finalizers ?? []).filter((each) => each !== FINALIZER);
      await this.#namespaces.subresource('finalize').update({ name }, { ...namespace, spec: { finalizers } });
    });
  }
}
