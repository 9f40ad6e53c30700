/** Wiring and writes of deployments; rollout.ts decides (pkg/controller/deployment). */
import type { Deployment, DeploymentStatus, ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import {
  type Again,
  adoptionPatch,
  claim,
  controllerOf,
  hasReason,
  keyOf,
  releasePatch,
  storeKey,
  WorkQueue,
} from '@keelson/client';
import { ended } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { indexByController, orphansIn, ownedBy, resolveOwner } from '../owned.ts';
import { isNamespaceTerminating, mayAdopt } from '../pods/control.ts';
import { podInformer } from '../pods/informer.ts';
import { OwnWrites } from '../seen.ts';
import { selectorOf } from '../selectors.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { replicasOf } from './limits.ts';
import {
  annotationsOfNew,
  DEPLOYMENT,
  newReplicaSet,
  nextRevision,
  REVISION,
  sameTemplate,
  scaleAnnotations,
  splitSets,
} from './replicasets.ts';
import { holdsStill, nextStep, type Observed, saying, statusAfter, withPause } from './rollout.ts';
import { newSetReplicas, type Scale } from './scaling.ts';
import { untilDeadline } from './status.ts';

const STATUS = 'io.k8s.api.apps.v1.DeploymentStatus';

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new DeploymentController(context);
  return runQueue(context, {
    queue: controller.queue,
    informers: controller.informers,
    workers: workersOf(context, 'deployment-controller', 5),
    reconcile: (key) => controller.reconcile(key),
  });
}

class DeploymentController {
  readonly queue: WorkQueue<string>;
  readonly #clock;
  readonly #isEnabled;
  readonly #client;
  readonly #setClient;
  readonly #recorder;
  readonly #deployments;
  readonly #sets;
  readonly #pods;
  readonly #ownWrites = new OwnWrites();
  readonly #writesOfSets = new OwnWrites();

  constructor({ client, informers, recorder, world, settings }: ControllerContext) {
    this.#isEnabled = settings.isEnabled;
    this.#clock = world.clock;
    this.#client = client.resource('deployments.apps');
    this.#setClient = client.resource('replicasets.apps');
    this.#recorder = recorder('deployment-controller');
    this.#deployments = informers.informer('deployments.apps');
    this.#sets = informers.informer('replicasets.apps');
    this.#pods = podInformer(informers);
    this.queue = new WorkQueue<string>(world, 'deployment');
    this.#listen();
  }

  get informers() {
    return [this.#deployments, this.#sets, this.#pods];
  }

  #listen(): void {
    indexByController(this.#sets);
    this.#deployments.addHandler({
      added: (deployment) => this.queue.add(storeKey(deployment)),
      updated: (_, deployment) => this.queue.add(storeKey(deployment)),
      deleted: (deployment) => this.#ownWrites.forget(storeKey(deployment)),
    });
    this.#sets.addHandler({
      added: (set) => this.#setChanged(set),
      updated: (old, set) => {
        if (controllerOf(old)?.uid !== controllerOf(set)?.uid) this.#enqueueOwnerOf(old);
        this.#setChanged(set);
      },
      deleted: (set) => {
        this.#writesOfSets.forget(storeKey(set));
        this.#enqueueOwnerOf(set);
      },
    });
    this.#pods.addHandler({ deleted: (pod) => this.#podGone(pod) });
  }

  #setChanged(set: ReplicaSet): void {
    this.#enqueueOwnerOf(set);
    if (controllerOf(set)) return;
    for (const deployment of this.#deployments.store.list(set.metadata.namespace)) {
      const selector = selectorOf(deployment.spec.selector);
      if (!selector.empty && selector.matches(set.metadata.labels ?? {})) this.queue.add(storeKey(deployment));
    }
  }

  #enqueueOwnerOf(set: ReplicaSet): void {
    const deployment = this.#ownerOf(set);
    if (deployment) this.queue.add(storeKey(deployment));
  }

  #ownerOf(set: ReplicaSet): Deployment | undefined {
    return resolveOwner(this.#deployments.store, DEPLOYMENT.kind, set);
  }

  /** One that recreates its pods waits for the last of them to go. */
  #podGone(pod: Pod): void {
    const set = resolveOwner(this.#sets.store, 'ReplicaSet', pod);
    const deployment = set && this.#ownerOf(set);
    if (deployment?.spec.strategy.type === 'Recreate') this.queue.add(storeKey(deployment));
  }

  async reconcile(key: string): Promise<Again | undefined> {
    const deployment = this.#deployments.store.get(key);
    if (!deployment || !this.#ownWrites.seenIn(deployment)) return undefined;
    const { selector } = deployment.spec;
    if (selector && Object.keys(selector).length === 0) return this.#refuseToSelectAll(deployment);
    const sets = await this.#claim(deployment);
    // Sets that are behind what was written to them are told of when they have it.
    if (!sets.every((set) => this.#writesOfSets.seenIn(set))) return undefined;
    return this.#rollOut(deployment, sets);
  }

  async #refuseToSelectAll(deployment: Deployment): Promise<undefined> {
    const message = 'This deployment is selecting all pods. A non-empty selector is required.';
    this.#recorder.event(deployment, 'Warning', 'SelectingAll', message);
    const { generation: observedGeneration = 0 } = deployment.metadata;
    if ((deployment.status.observedGeneration ?? 0) < observedGeneration) {
      await this.#write(deployment, { ...deployment, status: { ...deployment.status, observedGeneration } });
    }
  }

  #claim(owner: Deployment): Promise<ReplicaSet[]> {
    const { store } = this.#sets;
    const selector = selectorOf(owner.spec.selector);
    return claim([...ownedBy(store, owner), ...orphansIn(store, owner.metadata.namespace!)], {
      owner,
      wants: ({ metadata }: TypedObject) => selector.matches(metadata.labels ?? {}),
      mayAdopt: () => mayAdopt(owner, DEPLOYMENT.kind, () => this.#client.get(keyOf(owner))),
      adopt: (set) => this.#setClient.patch(keyOf(set), 'strategic', adoptionPatch(set, owner, DEPLOYMENT)),
      release: (set) => this.#setClient.patch(keyOf(set), 'strategic', releasePatch(set, owner)),
    });
  }

  async #rollOut(original: Deployment, sets: readonly ReplicaSet[]): Promise<Again | undefined> {
    const { old, current } = splitSets(original, sets);
    const revision = nextRevision(old);
    const pods = (set: ReplicaSet) => ownedBy(this.#pods.store, set);
    let deployment = original;
    let observed: Observed = { deployment, current, old, pods };
    if (!original.metadata.deletionTimestamp) {
      deployment = withPause(deployment, this.#clock.now());
      if (current) [deployment, observed] = await this.#adoptCurrent(deployment, observed, current, revision);
      observed = { ...observed, deployment };
    }
    let step = nextStep(observed);
    if (step.action === 'create') {
      const created = await this.#create(deployment, old, revision, original);
      if (!created) return undefined;
      deployment = created.deployment;
      observed = { ...observed, deployment, current: created.set };
      step = nextStep(observed);
    }
    if (step.action === 'scale') {
      for (const scale of step.scales) await this.#scale(deployment, scale);
      for (const set of step.remove) await this.#remove(set);
    }
    const now = this.#clock.now();
    const status = statusAfter(observed, now);
    if (!this.#isEnabled('DeploymentReplicaSetTerminatingReplicas')) delete status.terminatingReplicas;
    if (await this.#write(original, { ...deployment, status })) return undefined;
    const afterMs = holdsStill(observed) ? undefined : untilDeadline(deployment, status, now);
    return afterMs === undefined ? undefined : { afterMs };
  }

  /** Brings the new set's annotations up to date, and the deployment's with them. */
  async #adoptCurrent(
    deployment: Deployment,
    observed: Observed,
    current: ReplicaSet,
    revision: bigint,
  ): Promise<[Deployment, Observed]> {
    const { minReadySeconds } = deployment.spec;
    const given = current.metadata.annotations ?? {};
    const annotations = annotationsOfNew(deployment, given, revision);
    let set = current;
    if (annotations !== given || (current.spec.minReadySeconds ?? 0) !== (minReadySeconds ?? 0)) {
      const { minReadySeconds: _, ...spec } = current.spec;
      set = await this.#updateSet({
        ...current,
        metadata: { ...current.metadata, annotations: { ...annotations } },
        spec: minReadySeconds === undefined ? spec : { ...spec, minReadySeconds },
      });
    }
    let result = atRevision(deployment, annotations[REVISION] ?? '');
    if (!result.status.conditions?.some(({ type }) => type === 'Progressing')) {
      const message = `Found new replica set ${JSON.stringify(set.metadata.name)}`;
      result = saying(result, 'True', 'FoundNewReplicaSet', message, this.#clock.now());
    }
    return [result, { ...observed, current: set }];
  }

  /** @returns nothing where the name is taken: the next try has another. @throws StatusError */
  async #create(
    deployment: Deployment,
    old: readonly ReplicaSet[],
    revision: bigint,
    original: Deployment,
  ): Promise<{ set: ReplicaSet; deployment: Deployment } | undefined> {
    const replicas = newSetReplicas(deployment, old, 0);
    const draft = newReplicaSet(deployment, revision, replicas);
    const revised = atRevision(deployment, String(revision));
    try {
      const set = await this.#setClient.create(draft);
      const name = set.metadata.name!;
      if (replicas > 0) this.#tellScaled(deployment, name, 0, replicas);
      const message = `Created new replica set ${JSON.stringify(name)}`;
      return { set, deployment: saying(revised, 'True', 'NewReplicaSetCreated', message, this.#clock.now()) };
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists'))
        return this.#creationFailed(deployment, draft.metadata!.name!, error, original);
      const set = await this.#setClient.get({ namespace: draft.metadata!.namespace, name: draft.metadata!.name! });
      const ours = controllerOf(set)?.uid === deployment.metadata.uid;
      if (ours && sameTemplate(set.spec.template, deployment.spec.template)) return { set, deployment: revised };
      const collisionCount = (deployment.status.collisionCount ?? 0) + 1;
      await this.#write(original, { ...deployment, status: { ...deployment.status, collisionCount } });
      return undefined;
    }
  }

  async #creationFailed(
    deployment: Deployment,
    name: string,
    error: unknown,
    original: Deployment,
  ): Promise<undefined> {
    if (isNamespaceTerminating(error)) return undefined;
    const message = `Failed to create new replica set ${JSON.stringify(name)}: ${(error as Error).message}`;
    const told = saying(deployment, 'False', 'ReplicaSetCreateError', message, this.#clock.now());
    // What is thrown below is the graver of the two.
    await ended(this.#write(original, told));
    this.#recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
    throw error;
  }

  async #scale(deployment: Deployment, { set, replicas }: Scale): Promise<void> {
    const annotations = scaleAnnotations(deployment);
    const given = set.metadata.annotations ?? {};
    const size = replicasOf(set);
    if (size === replicas && Object.entries(annotations).every(([key, value]) => given[key] === value)) return;
    await this.#updateSet({
      ...set,
      metadata: { ...set.metadata, annotations: { ...given, ...annotations } },
      spec: { ...set.spec, replicas },
    });
    if (size !== replicas) this.#tellScaled(deployment, set.metadata.name!, size, replicas);
  }

  #tellScaled(deployment: Deployment, set: string, from: number, to: number): void {
    const direction = from < to ? 'up' : 'down';
    const message = `Scaled ${direction} replica set ${set} from ${from} to ${to}`;
    this.#recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message);
  }

  async #updateSet(set: ReplicaSet): Promise<ReplicaSet> {
    const updated = await this.#setClient.update(set);
    this.#writesOfSets.wrote(updated);
    return updated;
  }

  async #remove(set: ReplicaSet): Promise<void> {
    await this.#setClient.delete(keyOf(set)).catch((error) => {
      if (!hasReason(error, 'NotFound')) throw error;
    });
  }

  /** Status and annotations, where they differ. @returns whether they did */
  async #write(original: Deployment, next: Deployment): Promise<boolean> {
    const sameStatus = sameAs<DeploymentStatus>(STATUS, original.status, next.status);
    const sameRevision = original.metadata.annotations?.[REVISION] === next.metadata.annotations?.[REVISION];
    if (sameStatus && sameRevision) return false;
    this.#ownWrites.wrote(await this.#client.updateStatus(next));
    return true;
  }
}

function atRevision(deployment: Deployment, revision: string): Deployment {
  if ((deployment.metadata.annotations?.[REVISION] ?? '') === revision) return deployment;
  const annotations = { ...deployment.metadata.annotations, [REVISION]: revision };
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}
