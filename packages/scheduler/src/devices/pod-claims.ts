import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { isControlledBy } from '@keelson/client';

/** The claims of a pod, or why they cannot be used yet. A claim that was found unnecessary does not count. */
export function claimsOf(pod: Pod, get: (key: string) => ResourceClaim | undefined): ResourceClaim[] | string {
  const claims: ResourceClaim[] = [];
  const { namespace } = pod.metadata;
  for (const { name, resourceClaimName, resourceClaimTemplateName } of pod.spec.resourceClaims ?? []) {
    const made = pod.status.resourceClaimStatuses?.find((status) => status.name === name);
    if (!resourceClaimName && !resourceClaimTemplateName) {
      const problem = 'none of the supported fields are set';
      return `pod "${namespace}/${pod.metadata.name}", spec.resourceClaim "${name}": ${problem}`;
    }
    if (!resourceClaimName && !made) return `pod "${namespace}/${pod.metadata.name}": ResourceClaim not created yet`;
    const claimName = resourceClaimName ?? made!.resourceClaimName;
    if (!claimName) continue;
    const key = `${namespace}/${claimName}`;
    const claim = get(key);
    if (!claim) return `could not find ResourceClaim "${key}"`;
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${claimName}" is being deleted`;
    if (!resourceClaimName && !isControlledBy(claim, pod)) {
      return `ResourceClaim ${key} was not created for Pod ${namespace}/${pod.metadata.name} (Pod is not owner)`;
    }
    claims.push(claim);
  }
  return claims;
}

export function isReservedFor({ status }: ResourceClaim, { metadata }: Pod): boolean {
  return (status?.reservedFor ?? []).some(({ uid }) => uid === metadata.uid);
}
