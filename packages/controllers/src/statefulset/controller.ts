/** Wiring of stateful sets; plan.ts decides, writer.ts does it (pkg/controller/statefulset). */
import type { StatefulSet, StatefulSetStatus } from '@keelson/api/generated/types/apps/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type Again, keyOf, NamedExpectations, storeKey, WorkQueue } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { RevisionControl } from '../history/control.ts';
import { orphansIn, ownedBy } from '../owned.ts';
import { inSlowBatches } from '../pods/batch.ts';
import { PodControl } from '../pods/control.ts';
import { followPods } from '../pods/follow.ts';
import { podInformer } from '../pods/informer.ts';
import { nextAvailability } from '../pods/state.ts';
import { OwnWrites, staleSkips } from '../seen.ts';
import { selectorOf } from '../selectors.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { outdatedRevisions, readHistory } from './history.ts';
import { type Action, isParallel, type Observed, type Plan, plan, statusOf } from './plan.ts';
import { isItself, isMember, revisionOf, STATEFUL_SET } from './pods.ts';
import { StatefulWriter } from './writer.ts';

const STATUS = 'io.k8s.api.apps.v1.StatefulSetStatus';

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new StatefulSetController(context);
  return runQueue(context, {
    queue: controller.queue,
    informers: controller.informers,
    workers: workersOf(context, 'statefulset-controller', 5),
    reconcile: (key) => controller.reconcile(key),
  });
}

class StatefulSetController {
  readonly queue: WorkQueue<string>;
  readonly #clock;
  readonly #client;
  readonly #sets;
  readonly #pods;
  readonly #claims;
  readonly #control: PodControl;
  readonly #revisions: RevisionControl;
  readonly #writer: StatefulWriter;
  readonly #expectations: NamedExpectations;
  readonly #ownWrites: OwnWrites;

  constructor(context: ControllerContext) {
    const { client, informers, world, metrics } = context;
    this.#ownWrites = new OwnWrites(
      staleSkips(metrics, 'statefulset_controller', { group: 'apps', resource: 'statefulsets' }),
    );
    const recorder = context.recorder('statefulset-controller');
    this.#clock = world.clock;
    this.#client = client.resource('statefulsets.apps');
    this.#sets = informers.informer('statefulsets.apps');
    this.#pods = podInformer(informers);
    this.#claims = informers.informer('persistentvolumeclaims');
    this.#control = new PodControl(client, recorder, STATEFUL_SET);
    this.#revisions = new RevisionControl(context, STATEFUL_SET);
    this.#writer = new StatefulWriter(client, this.#claims.store, recorder);
    this.#expectations = new NamedExpectations(world.clock);
    this.queue = new WorkQueue<string>(world, 'statefulset');
    this.#listen();
  }

  get informers() {
    return [this.#sets, this.#pods, this.#claims, this.#revisions.informer];
  }

  #listen(): void {
    this.#sets.addHandler({
      added: (set) => this.queue.add(storeKey(set)),
      updated: (_, set) => this.queue.add(storeKey(set)),
      deleted: (set) => {
        this.#expectations.forget(storeKey(set));
        this.#ownWrites.forget(storeKey(set));
      },
    });
    followPods(this.#pods, {
      owners: this.#sets.store,
      kind: STATEFUL_SET.kind,
      selects: (set, pod) => {
        const selector = selectorOf(set.spec.selector);
        return !selector.empty && selector.matches(pod.metadata.labels ?? {}) && isMember(set, pod);
      },
      created: (set) => this.#expectations.creationObserved(storeKey(set)),
      left: (set, { metadata }) => this.#expectations.deletionObserved(storeKey(set), metadata.uid!),
      changed: (set) => this.queue.add(storeKey(set)),
      ready: (set) => {
        const { minReadySeconds = 0 } = set.spec;
        if (minReadySeconds > 0) this.queue.addAfter(storeKey(set), (minReadySeconds + 1) * 1000);
      },
    });
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const set = this.#sets.store.get(key);
    if (!set || !this.#ownWrites.seenIn(set) || !this.#expectations.satisfied(key)) return undefined;
    const history = await readHistory(set, this.#revisions, this.#client);
    const pods = await this.#claimPods(set);
    const now = this.#clock.now();
    const { current, update } = history;
    const observed: Observed = {
      set,
      pods,
      current,
      update,
      now,
      hasFormerClaims: (ordinal) => this.#writer.hasFormerClaims(set, ordinal),
      isRight: (pod) => isItself(set, pod) && this.#writer.claimsAreRight(set, pod),
      claimsAreRight: (pod) => this.#writer.claimsAreRight(set, pod),
    };
    const decided = plan(observed);
    let failure: unknown;
    await this.#carryOut(key, set, decided).catch((error) => {
      failure = error;
    });
    const isLeaving = (action: Action) =>
      action.do === 'delete' && action.outdated && revisionOf(action.pod) === current.metadata.name;
    const leaving = failure ? 0 : decided.flat().filter(isLeaving).length;
    const status = statusOf(observed, history.collisionCount, leaving);
    await this.#write(set, status);
    const live = new Set(pods.map(revisionOf));
    for (const revision of outdatedRevisions(set, history, live)) await this.#revisions.delete(revision);
    if (failure) throw failure;
    const { minReadySeconds = 0 } = set.spec;
    if (minReadySeconds === 0 || status.readyReplicas === status.availableReplicas) return undefined;
    return { afterMs: nextAvailability(pods, minReadySeconds, now) ?? minReadySeconds * 1000 };
  }

  #claimPods(set: StatefulSet): Promise<Pod[]> {
    const { store } = this.#pods;
    const selector = selectorOf(set.spec.selector);
    const wants = (pod: Pod) => selector.matches(pod.metadata.labels ?? {}) && isMember(set, pod);
    const orphans = orphansIn(store, set.metadata.namespace!).filter((pod) => isMember(set, pod));
    return this.#control.claim([...ownedBy(store, set), ...orphans], set, wants, () => this.#client.get(keyOf(set)));
  }

  /** What is created and deleted has to be seen before anything else is done. */
  async #carryOut(key: string, set: StatefulSet, decided: Plan): Promise<void> {
    const all = decided.flat();
    if (all.length === 0) return;
    const undone = new Set(all);
    const deletions = all.filter((action) => action.do === 'delete').map(({ pod }) => pod.metadata.uid!);
    this.#expectations.expect(key, all.filter((action) => action.do === 'create').length, deletions);
    const act = async (action: Action) => {
      await this.#writer.act(set, action);
      undone.delete(action);
    };
    try {
      for (const stage of decided) {
        if (!isParallel(set)) for (const action of stage) await act(action);
        else {
          const { error } = await inSlowBatches(stage.length, (i) => act(stage[i]!));
          if (error) throw error;
        }
      }
    } finally {
      for (const action of undone) {
        if (action.do === 'create') this.#expectations.creationObserved(key);
        if (action.do === 'delete') this.#expectations.deletionObserved(key, action.pod.metadata.uid!);
      }
    }
  }

  async #write(set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (sameAs(STATUS, set.status, status)) return;
    this.#ownWrites.wrote(await this.#client.updateStatus({ ...set, status }));
  }
}
