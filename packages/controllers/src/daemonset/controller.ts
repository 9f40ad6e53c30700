/** Wiring and writes of daemon sets; plan.ts and status.ts decide (pkg/controller/daemon). */
import { equalValues } from '@keelson/api/codec/equality';
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from '@keelson/api/generated/types/apps/v1';
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import {
  type Again,
  controllerReference,
  hasReason,
  keyOf,
  NamedExpectations,
  storeKey,
  WorkQueue,
} from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { templateHash } from '../hash.ts';
import { RevisionControl } from '../history/control.ts';
import { byRevision, dataOf, isOf, nextRevision, REVISION_LABEL } from '../history/revisions.ts';
import { orphansIn, ownedBy, resolveOwner } from '../owned.ts';
import { inSlowBatches } from '../pods/batch.ts';
import { isNamespaceTerminating, PodControl } from '../pods/control.ts';
import { followPods } from '../pods/follow.ts';
import { podInformer } from '../pods/informer.ts';
import { OwnWrites, staleSkips } from '../seen.ts';
import { selectorOf } from '../selectors.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { FailureBackoff } from './failures.ts';
import { nodeJudge, templateFor } from './nodes.ts';
import { byNode, type Observed, type Plan, plan, rollingUpdate } from './plan.ts';
import { statusOf } from './status.ts';

const KIND = { group: 'apps', version: 'v1', kind: 'DaemonSet' } as const;
const STATUS = 'io.k8s.api.apps.v1.DaemonSetStatus';
/** So many pods are created or deleted at once. */
const BURST = 250;

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new DaemonSetController(context);
  return runQueue(context, {
    queue: controller.queue,
    informers: controller.informers,
    workers: workersOf(context, 'daemonset-controller', 2),
    reconcile: (key) => controller.reconcile(key),
  });
}

class DaemonSetController {
  readonly queue: WorkQueue<string>;
  readonly #clock;
  readonly #client;
  readonly #recorder;
  readonly #sets;
  readonly #pods;
  readonly #nodes;
  readonly #control: PodControl;
  readonly #revisions: RevisionControl;
  readonly #expectations: NamedExpectations;
  readonly #failures: FailureBackoff;
  readonly #ownWrites: OwnWrites;

  constructor(context: ControllerContext) {
    const { client, informers, recorder, world, metrics } = context;
    this.#ownWrites = new OwnWrites(
      staleSkips(metrics, 'daemonset_controller', { group: 'apps', resource: 'daemonsets' }),
    );
    this.#clock = world.clock;
    this.#client = client.resource('daemonsets.apps');
    this.#recorder = recorder('daemonset-controller');
    this.#sets = informers.informer('daemonsets.apps');
    this.#pods = podInformer(informers);
    this.#nodes = informers.informer('nodes');
    this.#control = new PodControl(client, this.#recorder, KIND);
    this.#revisions = new RevisionControl(context, KIND);
    this.#expectations = new NamedExpectations(world.clock);
    this.#failures = new FailureBackoff(world.clock);
    this.queue = new WorkQueue<string>(world, 'daemonset');
    this.#listen();
  }

  get informers() {
    return [this.#sets, this.#pods, this.#nodes, this.#revisions.informer];
  }

  #listen(): void {
    const enqueue = (set: DaemonSet) => this.queue.add(storeKey(set));
    const all = () => {
      for (const set of this.#sets.store.values()) enqueue(set);
    };
    this.#sets.addHandler({
      added: enqueue,
      updated: (_, set) => enqueue(set),
      deleted: (set) => {
        this.#expectations.forget(storeKey(set));
        this.#ownWrites.forget(storeKey(set));
      },
    });
    this.#nodes.addHandler({
      added: all,
      updated: (old, node) => (suitsAlike(old, node) ? undefined : all()),
      deleted: all,
    });
    this.#revisions.informer.addHandler({
      updated: (_, revision) => this.#enqueueOwnerOf(revision),
      deleted: (revision) => this.#enqueueOwnerOf(revision),
    });
    followPods(this.#pods, {
      owners: this.#sets.store,
      kind: KIND.kind,
      selects: ({ spec }, { metadata }) => {
        const selector = selectorOf(spec.selector);
        return !selector.empty && selector.matches(metadata.labels ?? {});
      },
      created: (set) => this.#expectations.creationObserved(storeKey(set)),
      left: (set, pod) => this.#expectations.deletionObserved(storeKey(set), storeKey(pod)),
      changed: enqueue,
      ready: (set) => {
        const { minReadySeconds = 0 } = set.spec;
        if (minReadySeconds > 0) this.queue.addAfter(storeKey(set), (minReadySeconds + 1) * 1000);
      },
    });
  }

  #enqueueOwnerOf(revision: ControllerRevision): void {
    const set = resolveOwner(this.#sets.store, KIND.kind, revision);
    if (set) this.queue.add(storeKey(set));
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const set = this.#sets.store.get(key);
    if (!set || set.metadata.deletionTimestamp || !this.#ownWrites.seenIn(set)) return undefined;
    if (set.spec.selector && Object.keys(set.spec.selector).length === 0) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.';
      this.#recorder.event(set, 'Warning', 'SelectingAll', message);
      return undefined;
    }
    const history = await this.#history(set);
    if (!history) return undefined;
    const { hash, old } = history;
    const observe = async (): Promise<Observed> => ({
      set,
      hash,
      nodes: this.#nodes.store.list(),
      judge: nodeJudge(set),
      pods: byNode(await this.#claim(set)),
      now: this.#clock.now(),
    });
    const observed = await observe();
    if (!this.#expectations.satisfied(key)) return this.#tell(set, statusOf(observed));
    let againMs: number | undefined;
    let failure: unknown;
    try {
      againMs = await this.#manage(key, observed);
      await this.#cleanUp(set, old);
    } catch (error) {
      failure = error;
    }
    const { generation: observedGeneration = 0 } = set.metadata;
    const again = await this.#tell(set, { ...statusOf(await observe()), observedGeneration });
    if (failure) throw failure;
    const times = [againMs, again?.afterMs].filter((ms) => ms !== undefined);
    return times.length > 0 ? { afterMs: Math.min(...times) } : undefined;
  }

  #claim(set: DaemonSet): Promise<Pod[]> {
    const { store } = this.#pods;
    const selector = selectorOf(set.spec.selector);
    const candidates = [...ownedBy(store, set), ...orphansIn(store, set.metadata.namespace!)];
    const wants = (pod: Pod) => selector.matches(pod.metadata.labels ?? {});
    return this.#control.claim(candidates, set, wants, () => this.#client.get(keyOf(set)));
  }

  /** @returns milliseconds until it has to be looked at again */
  async #manage(key: string, observed: Observed): Promise<number | undefined> {
    const { set } = observed;
    const backoffKey = (node: string) => `${set.metadata.uid}/${set.status.observedGeneration ?? 0}/${node}`;
    const decided = plan(observed, (node) => this.#failures.remaining(backoffKey(node)));
    for (const pod of decided.ended) this.#tellEnded(set, pod, (node) => this.#failures.failed(backoffKey(node)));
    await this.#apply(key, observed, decided);
    if (this.#expectations.satisfied(key) && set.spec.updateStrategy.type === 'RollingUpdate') {
      await this.#apply(key, observed, rollingUpdate(observed));
    }
    return decided.againMs;
  }

  #tellEnded(set: DaemonSet, pod: Pod, failed: (node: string) => void): void {
    const { namespace, name } = pod.metadata;
    const { nodeName = '' } = pod.spec;
    if (pod.status.phase === 'Failed') {
      failed(nodeName);
      const message = `Found failed daemon pod ${namespace}/${name} on node ${nodeName}, will try to kill it`;
      this.#recorder.event(set, 'Warning', 'FailedDaemonPod', message);
    } else {
      const message = `Found succeeded daemon pod ${namespace}/${name} on node ${nodeName}, will try to delete it`;
      this.#recorder.event(set, 'Normal', 'SucceededDaemonPod', message);
    }
  }

  async #apply(key: string, { set, hash }: Observed, decided: Pick<Plan, 'create' | 'delete'>): Promise<void> {
    const nodes = decided.create.slice(0, BURST);
    const leaving = decided.delete.slice(0, BURST);
    this.#expectations.expect(key, nodes.length, leaving.map(storeKey));
    const { successes, error } = await inSlowBatches(nodes.length, async (i) => {
      try {
        await this.#control.create(templateFor(set, hash, nodes[i]!), set);
      } catch (problem) {
        if (!isNamespaceTerminating(problem)) throw problem;
      }
    });
    for (let i = successes; i < nodes.length; i++) this.#expectations.creationObserved(key);
    const one = async (pod: Pod) => {
      try {
        await this.#control.delete(keyOf(pod), set);
      } catch (problem) {
        this.#expectations.deletionObserved(key, storeKey(pod));
        if (!hasReason(problem, 'NotFound')) throw problem;
      }
    };
    const results = await Promise.allSettled(leaving.map(one));
    const failures = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as Error);
    const errors = error ? [error as Error, ...failures] : failures;
    if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('; '));
  }

  /** The revision of the template, made if there is none, and the others. Undefined when the name of a new one is taken. */
  async #history(set: DaemonSet): Promise<{ hash: string; old: ControllerRevision[] } | undefined> {
    const fresh = () => this.#client.get(keyOf(set));
    const revisions = await this.#revisions.claim(set, selectorOf(set.spec.selector), fresh);
    const old = revisions.filter((revision) => !isOf(revision, set.spec.template));
    const matching = revisions.filter((revision) => !old.includes(revision)).sort(byRevision);
    const number = nextRevision(old);
    const kept = matching.pop();
    if (!kept) return this.#snapshot(set, number, old);
    const hash = kept.metadata.labels?.[REVISION_LABEL] ?? kept.metadata.name!;
    for (const twin of matching) await this.#merge(set, twin, hash);
    if (kept.revision < number) await this.#revisions.update({ ...kept, revision: number });
    return { hash, old };
  }

  async #snapshot(set: DaemonSet, revision: number, old: ControllerRevision[]) {
    const hash = templateHash(set.spec.template, set.status.collisionCount);
    const made = await this.#revisions.create({
      metadata: {
        name: `${set.metadata.name}-${hash}`,
        namespace: set.metadata.namespace!,
        labels: { ...set.spec.template.metadata?.labels, [REVISION_LABEL]: hash },
        annotations: set.metadata.annotations ?? {},
        ownerReferences: [controllerReference(set, KIND)],
      },
      data: dataOf(set.spec.template),
      revision,
    });
    if ('created' in made || isOf(made.taken, set.spec.template)) return { hash, old };
    const collisionCount = (set.status.collisionCount ?? 0) + 1;
    await this.#write(set, { ...set.status, collisionCount });
    return undefined;
  }

  /** Two revisions of one template: pods of the one become pods of the other. */
  async #merge(set: DaemonSet, twin: ControllerRevision, hash: string): Promise<void> {
    const before = twin.metadata.labels?.[REVISION_LABEL];
    for (const pod of ownedBy(this.#pods.store, set)) {
      if (before === hash || pod.metadata.labels?.[REVISION_LABEL] !== before) continue;
      await this.#control.patch(keyOf(pod), { metadata: { labels: { [REVISION_LABEL]: hash } } });
    }
    await this.#revisions.delete(twin);
  }

  async #cleanUp(set: DaemonSet, old: readonly ControllerRevision[]): Promise<void> {
    let surplus = old.length - (set.spec.revisionHistoryLimit ?? 10);
    if (surplus <= 0) return;
    const live = new Set(ownedBy(this.#pods.store, set).map(({ metadata }) => metadata.labels?.[REVISION_LABEL]));
    for (const revision of [...old].sort(byRevision)) {
      if (live.has(revision.metadata.labels?.[REVISION_LABEL])) continue;
      await this.#revisions.delete(revision);
      if (--surplus <= 0) return;
    }
  }

  async #tell(set: DaemonSet, status: DaemonSetStatus): Promise<Again | undefined> {
    await this.#write(set, status);
    const { minReadySeconds = 0 } = set.spec;
    const waits = minReadySeconds > 0 && status.numberReady !== (status.numberAvailable ?? 0);
    return waits ? { afterMs: minReadySeconds * 1000 } : undefined;
  }

  async #write(set: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (sameAs(STATUS, set.status, status)) return;
    this.#ownWrites.wrote(await this.#client.updateStatus({ ...set, status }));
  }
}

/** Whether a change of a node is none to daemon sets. */
function suitsAlike(old: Node, node: Node): boolean {
  const labels = equalValues(old.metadata.labels ?? {}, node.metadata.labels ?? {});
  return labels && equalValues(old.spec.taints ?? [], node.spec.taints ?? []);
}
