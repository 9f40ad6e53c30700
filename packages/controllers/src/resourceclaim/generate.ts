/** The claim that comes of a template (pkg/controller/resourceclaim). */
import type { Pod, PodResourceClaim } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim, ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import type { Draft } from '@keelson/client';

/** Which of its claims a pod has got with a claim that was made for it. */
export const POD_CLAIM = 'resource.kubernetes.io/pod-claim-name';

/** Of 63 characters of a name, what five random ones and a hyphen leave. */
const LONGEST_BASE = 57;

export function claimFor(pod: Pod, { name }: PodResourceClaim, template: ResourceClaimTemplate): Draft<ResourceClaim> {
  const { namespace, name: podName = '', uid = '' } = pod.metadata;
  const { metadata, spec } = template.spec;
  return {
    metadata: {
      namespace: namespace!,
      generateName: generateNameOf(podName, name),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: podName, uid, controller: true }],
      annotations: { ...metadata?.annotations, [POD_CLAIM]: name },
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
    },
    spec,
  };
}

/** `pod-claim-`; where that is too long, both parts are cut in proportion, so that each still tells something. */
export function generateNameOf(pod: string, claim: string): string {
  const full = `${pod}-${claim}-`;
  if (full.length <= LONGEST_BASE) return full;
  const cut = (part: string) => part.slice(0, Math.floor((part.length * LONGEST_BASE) / full.length));
  return `${cut(pod)}-${cut(claim)}`;
}
