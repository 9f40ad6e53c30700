import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim, ResourceClaimConsumerReference } from '@keelson/api/generated/types/resource/v1';
import { type Client, hasReason, keyOf, type Lister } from '@keelson/client';
import { FINALIZER, isDone, isPodReference, owningPod } from './decide.ts';

/** So many pods that are gone are remembered: of others the server is asked. */
const REMEMBERED = 500;

/** Takes claims back from pods that will not run any more. */
export class Reservations {
  readonly #client: Client;
  readonly #pods: Lister<Pod>;
  /** Uids, the oldest first. */
  readonly #gone = new Set<string>();

  constructor(client: Client, pods: Lister<Pod>) {
    this.#client = client;
    this.#pods = pods;
  }

  gone({ metadata }: Pod): void {
    this.#gone.add(metadata.uid!);
    for (const oldest of this.#gone) {
      if (this.#gone.size <= REMEMBERED) return;
      this.#gone.delete(oldest);
    }
  }

  /** A claim that nobody has reserved any more is deallocated, and deleted if its pod will not need it. */
  async clean(claim: ResourceClaim): Promise<void> {
    const before = claim.status?.reservedFor ?? [];
    const reservedFor: ResourceClaimConsumerReference[] = [];
    for (const reference of before) if (await this.#holds(reference, claim)) reservedFor.push(reference);
    const isUnused = reservedFor.length === 0;
    const isProtected = claim.metadata.finalizers?.includes(FINALIZER) ?? false;
    const isFreed = isUnused && isProtected;
    if (reservedFor.length < before.length) await this.#write(claim, reservedFor, isFreed);
    else if (isFreed && claim.metadata.deletionTimestamp) await this.#write(claim, before, true);
    if (isUnused) await this.#deleteUnneeded(claim);
  }

  async #holds(reference: ResourceClaimConsumerReference, { metadata }: ResourceClaim): Promise<boolean> {
    const { name, uid } = reference;
    if (!isPodReference(reference)) return true;
    if (this.#gone.has(uid)) return false;
    const known = this.#pods.get(`${metadata.namespace}/${name}`);
    if (known) return known.metadata.uid === uid && !isDone(known);
    // It may have come just now, and the scheduler be about to give it a node.
    try {
      const live = await this.#client.resource('pods').get({ namespace: metadata.namespace, name });
      return live.metadata.uid === uid;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false;
      throw error;
    }
  }

  /** @param isFreed its allocation goes, and then what protected it */
  async #write(claim: ResourceClaim, reservedFor: ResourceClaimConsumerReference[], isFreed: boolean): Promise<void> {
    const resource = this.#client.resource('resourceclaims.resource.k8s.io');
    const { allocation, ...others } = claim.status ?? {};
    const kept = allocation && !isFreed ? { allocation } : {};
    const changes = reservedFor.length < (claim.status?.reservedFor?.length ?? 0) || (isFreed && allocation);
    const status = { ...others, ...kept, reservedFor };
    const written = changes ? await resource.updateStatus({ ...claim, status }) : claim;
    if (!isFreed) return;
    const finalizers = written.metadata.finalizers?.filter((each) => each !== FINALIZER) ?? [];
    await resource.update({ ...written, metadata: { ...written.metadata, finalizers } });
  }

  /** Of claims whose pods are gone the garbage collector takes care. */
  async #deleteUnneeded(claim: ResourceClaim): Promise<void> {
    const owner = owningPod(claim);
    const pod = owner && this.#pods.get(`${claim.metadata.namespace}/${owner.name}`);
    if (!pod || (pod.metadata.uid === owner.uid && !isDone(pod))) return;
    try {
      await this.#client.resource('resourceclaims.resource.k8s.io').delete(keyOf(claim));
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
}
