/** Which claim stands for what a pod says that it claims (dynamic-resource-allocation/resourceclaim). */
import type { Pod, PodResourceClaim } from '../generated/types/core/v1.ts';

export type ClaimOfPod =
  /** It has this name; one that was `generated` counts only if the pod controls it. */
  | { readonly state: 'named'; readonly name: string; readonly generated: boolean }
  /** It was found to need none. */
  | { readonly state: 'unneeded' }
  /** Its template has not become a claim yet. */
  | { readonly state: 'missing' }
  /** It says it in a way that is not known here. */
  | { readonly state: 'unsupported' };

export function claimOfPod({ status }: Pod, claim: PodResourceClaim): ClaimOfPod {
  const { name, resourceClaimName, resourceClaimTemplateName } = claim;
  if (resourceClaimName) return { state: 'named', name: resourceClaimName, generated: false };
  if (!resourceClaimTemplateName) return { state: 'unsupported' };
  const made = status?.resourceClaimStatuses?.find((each) => each.name === name);
  if (!made) return { state: 'missing' };
  const generated = made.resourceClaimName;
  return generated ? { state: 'named', name: generated, generated: true } : { state: 'unneeded' };
}
