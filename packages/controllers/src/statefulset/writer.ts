/** Does what was planned for a stateful set's pods and claims, and tells of it (pkg/controller/statefulset/stateful_pod_control.go). */
import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, type EventRecorder, hasReason, keyOf, type Lister, type ResourceClient } from '@keelson/client';
import { hasOtherController, isOfFormerPod, ownersWanted } from './claims.ts';
import type { Action } from './plan.ts';
import { claimsOf, isItself, madeItself, newPod, ordinalOf, podName } from './pods.ts';

export class StatefulWriter {
  readonly #pods: ResourceClient<Pod>;
  readonly #claims: ResourceClient<PersistentVolumeClaim>;
  readonly #known: Lister<PersistentVolumeClaim>;
  readonly #recorder: EventRecorder;

  constructor(client: Client, known: Lister<PersistentVolumeClaim>, recorder: EventRecorder) {
    this.#pods = client.resource('pods');
    this.#claims = client.resource('persistentvolumeclaims');
    this.#known = known;
    this.#recorder = recorder;
  }

  /** Whether claims that a new pod of this ordinal would take belong to one that was there before. */
  hasFormerClaims(set: StatefulSet, ordinal: number): boolean {
    const pod = { metadata: { name: podName(set, ordinal), uid: '' } };
    return this.#claimsOf(set, ordinal).some((claim) => isOfFormerPod(set, claim, pod));
  }

  /** Whether the owners of the pod's claims are as the set's policy wants them. */
  claimsAreRight(set: StatefulSet, pod: Pod): boolean {
    return this.#claimsOf(set, ordinalOf(pod)!).every((claim) => ownersWanted(set, claim, pod) === undefined);
  }

  /** @throws Error, StatusError */
  async act(set: StatefulSet, action: Action): Promise<void> {
    switch (action.do) {
      case 'create':
        return this.#create(set, action);
      case 'delete':
        return this.#delete(set, action.pod);
      case 'claim':
        await this.#createClaims(set, ordinalOf(action.pod)!);
        return this.#ownClaims(set, action.pod);
      case 'correct':
        return this.#correct(set, action.pod);
      case 'own claims':
        return this.#ownClaims(set, action.pod);
    }
  }

  /** Those that are there. */
  #claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
    const names = claimsOf(set, ordinal).map(({ claim }) => claim.metadata.name!);
    return names
      .map((name) => this.#known.get(`${set.metadata.namespace}/${name}`))
      .filter((claim) => claim !== undefined);
  }

  async #create(set: StatefulSet, { ordinal, revision }: Extract<Action, { do: 'create' }>): Promise<void> {
    try {
      await this.#createClaims(set, ordinal);
      const pod = await this.#pods.create(newPod(set, revision, ordinal));
      await this.#ownClaims(set, pod);
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) this.#tell(set, 'Create', podName(set, ordinal), error);
      throw error;
    }
    this.#tell(set, 'Create', podName(set, ordinal));
  }

  async #delete(set: StatefulSet, pod: Pod): Promise<void> {
    try {
      await this.#pods.delete(keyOf(pod));
    } catch (error) {
      if (!hasReason(error, 'NotFound')) {
        this.#tell(set, 'Delete', pod.metadata.name!, error);
        throw error;
      }
    }
    this.#tell(set, 'Delete', pod.metadata.name!);
  }

  async #correct(set: StatefulSet, pod: Pod): Promise<void> {
    const { name } = pod.metadata;
    try {
      await this.#createClaims(set, ordinalOf(pod)!);
      await this.#ownClaims(set, pod);
      if (!isItself(set, pod)) await this.#pods.update(madeItself(set, pod));
    } catch (error) {
      this.#tell(set, 'Update', name!, error);
      throw error;
    }
    this.#tell(set, 'Update', name!);
  }

  async #createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    const errors: Error[] = [];
    for (const { claim } of claimsOf(set, ordinal)) {
      const { namespace, name } = claim.metadata;
      const known = this.#known.get(`${namespace}/${name}`);
      if (known?.metadata.deletionTimestamp) errors.push(new Error(`pvc ${name} is being deleted`));
      else if (!known) await this.#createClaim(set, ordinal, claim).catch((error) => errors.push(error as Error));
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `[${errors.map(({ message }) => message).join(', ')}]`);
  }

  async #createClaim(set: StatefulSet, ordinal: number, claim: PersistentVolumeClaim): Promise<void> {
    const pod = podName(set, ordinal);
    const { name } = claim.metadata;
    const where = `Pod ${pod} in StatefulSet ${set.metadata.name}`;
    try {
      await this.#claims.create(claim);
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) return;
      const { message } = error as Error;
      this.#recorder.event(
        set,
        'Warning',
        'FailedCreate',
        `Create Claim ${name} for ${where} failed error: ${message}`,
      );
      throw new Error(`failed to create PVC ${name}: ${message}`, { cause: error });
    }
    this.#recorder.event(set, 'Normal', 'SuccessfulCreate', `Create Claim ${name} ${where} success`);
  }

  async #ownClaims(set: StatefulSet, pod: Pod): Promise<void> {
    for (const claim of this.#claimsOf(set, ordinalOf(pod)!)) {
      const ownerReferences = ownersWanted(set, claim, pod);
      if (hasOtherController(set, claim, pod)) {
        const message = `PersistentVolumeClaim ${claim.metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
        this.#recorder.event(set, 'Warning', 'ConflictingController', message);
      }
      if (ownerReferences) await this.#claims.update({ ...claim, metadata: { ...claim.metadata, ownerReferences } });
    }
  }

  #tell(set: StatefulSet, verb: 'Create' | 'Update' | 'Delete', pod: string, error?: unknown): void {
    const what = `${verb} Pod ${pod} in StatefulSet ${set.metadata.name}`;
    if (error === undefined) this.#recorder.event(set, 'Normal', `Successful${verb}`, `${what} successful`);
    else this.#recorder.event(set, 'Warning', `Failed${verb}`, `${what} failed error: ${(error as Error).message}`);
  }
}
