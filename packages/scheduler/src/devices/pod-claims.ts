import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { claimOfPod } from '@keelson/api/resources/pod-claims';
import { isControlledBy } from '@keelson/client';

/** The claims of a pod, or why they cannot be used yet. A claim that was found unnecessary does not count. */
export function claimsOf(pod: Pod, get: (key: string) => ResourceClaim | undefined): ResourceClaim[] | string {
  const claims: ResourceClaim[] = [];
  const { namespace, name: podName } = pod.metadata;
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    const found = claimOfPod(pod, podClaim);
    if (found.state === 'unsupported') {
      const problem = 'none of the supported fields are set';
      return `pod "${namespace}/${podName}", spec.resourceClaim "${podClaim.name}": ${problem}`;
    }
    if (found.state === 'missing') return `pod "${namespace}/${podName}": ResourceClaim not created yet`;
    if (found.state === 'unneeded') continue;
    const key = `${namespace}/${found.name}`;
    const claim = get(key);
    if (!claim) return `could not find ResourceClaim "${key}"`;
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${found.name}" is being deleted`;
    if (found.generated && !isControlledBy(claim, pod)) {
      return `ResourceClaim ${key} was not created for Pod ${namespace}/${podName} (Pod is not owner)`;
    }
    claims.push(claim);
  }
  return claims;
}

export function isReservedFor({ status }: ResourceClaim, { metadata }: Pod): boolean {
  return (status?.reservedFor ?? []).some(({ uid }) => uid === metadata.uid);
}
