/** What pods and claims want done (pkg/controller/resourceclaim). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import type { OwnerReference } from '@keelson/api/object';
import { claimOfPod } from '@keelson/api/resources/pod-claims';
import { isControlledBy } from '@keelson/client';
import { isTerminal } from '../pods/state.ts';

/** Keeps claims that are allocated from vanishing. */
export const FINALIZER = 'resource.kubernetes.io/delete-protection';

type Find = (key: string) => ResourceClaim | undefined;

/** None of its containers runs, and none will. */
export function isDone(pod: Pod): boolean {
  return isTerminal(pod) || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName);
}

/** `namespace/name` of the claims that a pod names, has got, or was given for its extended resources. */
export function claimKeysOf(pod: Pod): string[] {
  const { namespace } = pod.metadata;
  const names = (pod.spec.resourceClaims ?? []).flatMap((claim) => {
    const found = claimOfPod(pod, claim);
    return found.state === 'named' ? [found.name] : [];
  });
  const extended = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
  return [...new Set([...names, ...(extended ? [extended] : [])])].map((name) => `${namespace}/${name}`);
}

/** Whether something is missing that the controller makes: a claim, or a reservation on a node that was chosen without one. */
export function needsWork(pod: Pod, find: Find): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  return (pod.spec.resourceClaims ?? []).some((podClaim) => {
    const found = claimOfPod(pod, podClaim);
    if (found.state !== 'named') return found.state !== 'unneeded';
    const claim = find(`${pod.metadata.namespace}/${found.name}`);
    if (!claim) return podClaim.resourceClaimTemplateName !== undefined;
    if (found.generated && !isControlledBy(claim, pod)) return false;
    return lacksReservation(claim, pod);
  });
}

/** Pods that were given a node by hand have nobody else who reserves their claims. */
export function lacksReservation({ status }: ResourceClaim, { metadata, spec }: Pod): boolean {
  if (!spec.nodeName || !status?.allocation) return false;
  return !status.reservedFor?.some(({ uid }) => uid === metadata.uid);
}

/** The claims of a pod that have no reservations: theirs are told apart from those of other kinds, which nobody here can judge. */
export function isPodReference({ apiGroup = '', resource }: { apiGroup?: string; resource: string }): boolean {
  return apiGroup === '' && resource === 'pods';
}

/** The pod that a claim was made for. */
export function owningPod({ metadata }: ResourceClaim): OwnerReference | undefined {
  return metadata.ownerReferences?.find(
    ({ controller, apiVersion, kind }) => controller && apiVersion === 'v1' && kind === 'Pod',
  );
}
