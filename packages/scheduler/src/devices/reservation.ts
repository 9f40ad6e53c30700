/** Writes to claims what pods get. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { AllocationResult, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { type Client, retryOnConflict, storeKey } from '@keelson/client';

/** Keeps the claim as long as it has devices. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';

/** Gives the claim its devices, if it has none yet, and the pod the claim. @returns the claim as it is then */
export async function reserve(
  client: Client,
  claim: ResourceClaim,
  allocation: AllocationResult | undefined,
  pod: Pod,
  signal: AbortSignal,
): Promise<ResourceClaim> {
  const claims = client.resource('resourceclaims.resource.k8s.io');
  const { namespace, name } = claim.metadata;
  let current: ResourceClaim | undefined = claim;
  return retryOnConflict(async () => {
    let now = current ?? (await claims.get({ namespace, name: name! }, { signal }));
    current = undefined;
    if (now.metadata.deletionTimestamp) throw new Error(`claim ${storeKey(now)} got deleted in the meantime`);
    if (allocation) {
      if (now.status?.allocation) throw new Error(`claim ${storeKey(now)} got allocated elsewhere in the meantime`);
      const { finalizers = [] } = now.metadata;
      if (!finalizers.includes(FINALIZER)) {
        const kept = { ...now, metadata: { ...now.metadata, finalizers: [...finalizers, FINALIZER] } };
        now = await claims.update(kept, { signal });
      }
    } else if (!now.status?.allocation) {
      throw new Error(`claim ${storeKey(now)} got deallocated elsewhere in the meantime`);
    }
    const given = allocation ?? now.status!.allocation!;
    const allocationTimestamp = given.allocationTimestamp ?? new Date(client.world.clock.now()).toISOString();
    const { name: podName, uid } = pod.metadata;
    const status = {
      ...now.status,
      allocation: { ...given, allocationTimestamp: allocationTimestamp.replace(/\.\d+Z$/, 'Z') },
      reservedFor: [...(now.status?.reservedFor ?? []), { resource: 'pods', name: podName!, uid: uid! }],
    };
    return claims.updateStatus({ ...now, status } as ResourceClaim, { signal });
  });
}

/** Takes the claim from the pod again; whatever else is in it stays. */
export async function unreserve(client: Client, { metadata }: ResourceClaim, pod: Pod): Promise<void> {
  const { namespace, name, uid } = metadata;
  const patch = { metadata: { uid }, status: { reservedFor: [{ $patch: 'delete', uid: pod.metadata.uid }] } };
  const options = { subresource: 'status' };
  await client
    .resource('resourceclaims.resource.k8s.io')
    .patch({ namespace, name: name! }, 'strategic', patch, options);
}

/** Takes the devices from the claim. */
export async function deallocate(client: Client, claim: ResourceClaim): Promise<void> {
  const { allocation: _, reservedFor: __, devices: ___, ...status } = claim.status!;
  await client.resource('resourceclaims.resource.k8s.io').updateStatus({ ...claim, status });
}

/** Deletes a claim that the scheduler has made itself. */
export async function remove(client: Client, claim: ResourceClaim): Promise<void> {
  const claims = client.resource('resourceclaims.resource.k8s.io');
  const key = { namespace: claim.metadata.namespace, name: claim.metadata.name! };
  let current: ResourceClaim | undefined = claim;
  await retryOnConflict(async () => {
    const now = current ?? (await claims.get(key));
    current = undefined;
    const finalizers = now.metadata.finalizers?.filter((each) => each !== FINALIZER);
    await claims.update({ ...now, metadata: { ...now.metadata, ...(finalizers ? { finalizers } : {}) } });
  });
  await claims.delete(key);
}
