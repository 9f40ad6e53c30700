/**
 * Keeps so many pods of a template: what replica sets and replication controllers do (pkg/controller/replicaset). The two
 * kinds differ in what `ReplicaKind` says.
 */
import type { ReplicaSetStatus } from '@keelson/api/generated/types/apps/v1';
import type { Pod, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { GroupVersionKind, TypedObject } from '@keelson/api/object';
import type { LabelSelector } from '@keelson/api/selectors/labels';
import {
  type Again,
  controllerOf,
  hasReason,
  isControlledBy,
  keyOf,
  NamedExpectations,
  type ResourceName,
  resources,
  storeKey,
  WorkQueue,
} from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { indexByController, orphansIn, ownedBy } from '../owned.ts';
import { inSlowBatches, settleAll } from '../pods/batch.ts';
import { isNamespaceTerminating, PodControl } from '../pods/control.ts';
import { followPods } from '../pods/follow.ts';
import { podInformer } from '../pods/informer.ts';
import { byDeletionOrder } from '../pods/ranking.ts';
import { isActive, isTerminating, nextAvailability } from '../pods/state.ts';
import { OwnWrites, staleSkips } from '../seen.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { ReplicaSetMetrics } from './metrics.ts';
import { type Plan, plan } from './plan.ts';
import { statusOf } from './status.ts';

/** What the engine reads of a replica set or a replication controller. */
export interface ReplicaOwner extends TypedObject {
  spec: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec };
  status: ReplicaSetStatus;
}

export interface ReplicaKind<T extends ReplicaOwner> {
  /** The controller's name. */
  readonly controller: string;
  readonly kind: GroupVersionKind;
  readonly resource: ResourceName;
  /** OpenAPI's name of the status' type. */
  readonly statusType: string;
  /** Its queue, in metrics. */
  readonly queue: string;
  /** Source of events. */
  readonly component: string;
  /** Whether the status tells how many pods are being deleted. */
  readonly tellsTerminating: boolean;
  /** Whether metrics tell of it. */
  readonly isCounted: boolean;
  selectorOf(owner: T): LabelSelector;
}

export function startReplicas<T extends ReplicaOwner>(context: ControllerContext, kind: ReplicaKind<T>): Running {
  const engine = new ReplicaEngine(context, kind);
  return runQueue(context, {
    queue: engine.queue,
    informers: engine.informers,
    workers: workersOf(context, kind.controller, 5),
    reconcile: (key) => engine.reconcile(key),
  });
}

class ReplicaEngine<T extends ReplicaOwner> {
  readonly queue: WorkQueue<string>;
  readonly #kind: ReplicaKind<T>;
  readonly #clock;
  readonly #isEnabled;
  readonly #client;
  readonly #owners;
  readonly #pods;
  readonly #control: PodControl;
  readonly #expectations: NamedExpectations;
  readonly #ownWrites: OwnWrites;
  readonly #metrics: ReplicaSetMetrics | undefined;

  constructor({ client, informers, recorder, world, metrics, settings }: ControllerContext, kind: ReplicaKind<T>) {
    this.#kind = kind;
    this.#clock = world.clock;
    this.#isEnabled = settings.isEnabled;
    const definition = resources[kind.resource];
    this.#metrics = kind.isCounted ? new ReplicaSetMetrics(metrics) : undefined;
    const skipped = kind.isCounted ? staleSkips(metrics, 'replicaset_controller', definition) : undefined;
    this.#ownWrites = new OwnWrites(skipped);
    this.#client = client.resource<T>(definition);
    this.#owners = informers.informer<T>(definition);
    this.#pods = podInformer(informers);
    this.#control = new PodControl(client, recorder(kind.component), kind.kind);
    this.#expectations = new NamedExpectations(world.clock);
    this.queue = new WorkQueue<string>(world, kind.queue);
    this.#listen();
  }

  get informers() {
    return [this.#owners, this.#pods];
  }

  #listen(): void {
    indexByController(this.#owners);
    this.#owners.addHandler({
      added: (owner) => this.queue.add(storeKey(owner)),
      updated: (_, owner) => this.queue.add(storeKey(owner)),
      deleted: (owner) => {
        this.#expectations.forget(storeKey(owner));
        this.#ownWrites.forget(storeKey(owner));
      },
    });
    followPods(this.#pods, {
      owners: this.#owners.store,
      kind: this.#kind.kind.kind,
      selects: (owner, { metadata }) => {
        const selector = this.#kind.selectorOf(owner);
        return !selector.empty && selector.matches(metadata.labels ?? {});
      },
      created: (owner) => this.#expectations.creationObserved(storeKey(owner)),
      left: (owner, pod) => this.#expectations.deletionObserved(storeKey(owner), storeKey(pod)),
      changed: (owner) => this.queue.add(storeKey(owner)),
      ready: (owner) => {
        const { minReadySeconds = 0 } = owner.spec;
        if (minReadySeconds > 0) this.queue.addAfter(storeKey(owner), minReadySeconds * 1000);
      },
    });
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const owner = this.#owners.store.get(key);
    if (!owner || !this.#ownWrites.seenIn(owner)) return undefined;
    const { store } = this.#pods;
    const selector = this.#kind.selectorOf(owner);
    const wants = (pod: Pod) => selector.matches(pod.metadata.labels ?? {});
    const all = [...ownedBy(store, owner), ...orphansIn(store, owner.metadata.namespace!)];
    const settled = this.#expectations.satisfied(key);
    const fresh = () => this.#client.get(keyOf(owner));
    const active = await this.#control.claim(all.filter(isActive), owner, wants, fresh);
    const terminating = all.filter((pod) => isTerminating(pod) && isControlledBy(pod, owner) && wants(pod)).length;
    const failure = settled && !owner.metadata.deletionTimestamp ? await this.#manage(key, owner, active) : undefined;
    const now = this.#clock.now();
    const status = statusOf(owner, active, this.#kind.tellsTerminating ? terminating : undefined, failure, now);
    await this.#write(owner, status);
    if (failure) throw failure;
    if (status.readyReplicas === status.availableReplicas) return undefined;
    const { minReadySeconds = 0 } = owner.spec;
    return { afterMs: nextAvailability(active, minReadySeconds, now) ?? minReadySeconds * 1000 };
  }

  /** @returns what went wrong */
  async #manage(key: string, owner: T, active: readonly Pod[]): Promise<Error | undefined> {
    const order = () =>
      byDeletionOrder(active, this.#relatedPods(owner), this.#clock.now(), this.#isEnabled('PodDeletionCost'));
    const decided = plan(owner.spec.replicas ?? 0, active, order);
    if (decided.action === 'create') return this.#create(key, owner, decided.count);
    if (decided.action === 'delete') {
      if (decided.pods.length < active.length) this.#metrics?.chose(decided.pods, active, this.#clock.now());
      return this.#delete(key, owner, decided);
    }
    return undefined;
  }

  async #create(key: string, owner: T, count: number): Promise<Error | undefined> {
    this.#expectations.expectCreations(key, count);
    const { successes, error } = await inSlowBatches(count, async () => {
      try {
        await this.#control.create(owner.spec.template!, owner);
      } catch (problem) {
        if (!isNamespaceTerminating(problem)) throw problem;
      }
    });
    for (let i = successes; i < count; i++) this.#expectations.creationObserved(key);
    return error as Error | undefined;
  }

  async #delete(key: string, owner: T, { pods }: Extract<Plan, { action: 'delete' }>): Promise<Error | undefined> {
    this.#expectations.expectDeletions(key, pods.map(storeKey));
    const one = async (pod: Pod) => {
      try {
        await this.#control.delete(keyOf(pod), owner);
      } catch (error) {
        this.#expectations.deletionObserved(key, storeKey(pod));
        if (!hasReason(error, 'NotFound')) throw error;
      }
    };
    return settleAll(pods.map(one)).then(
      () => undefined,
      (error: Error) => error,
    );
  }

  /** Active pods that do the same work: those of all owners that have the same controller. */
  #relatedPods(owner: T): Pod[] {
    const uid = controllerOf(owner)?.uid;
    const siblings = uid ? ownedBy(this.#owners.store, { metadata: { uid } }) : [owner];
    return siblings.flatMap((sibling) => ownedBy(this.#pods.store, sibling)).filter(isActive);
  }

  /** Tries a second time on the newest object. */
  async #write(owner: T, status: ReplicaSetStatus): Promise<void> {
    if (sameAs(this.#kind.statusType, owner.status, status)) return;
    const write = async (to: T) => this.#ownWrites.wrote(await this.#client.updateStatus({ ...to, status }));
    try {
      await write(owner);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      await write(await this.#client.get(keyOf(owner)));
    }
  }
}
