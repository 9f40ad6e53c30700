/** Which claims a pod has, and which requests of them a container has (k8s.io/dynamic-resource-allocation/resourceclaim). */
import type { Container, Pod, PodResourceClaim } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { Quantity } from '@keelson/api/quantity';
import { claimOfPod } from '@keelson/api/resources/pod-claims';
import { isControlledBy } from '@keelson/client';

export interface WantedClaim {
  readonly name: string;
  /** It was made for the pod, which has to be its owner. */
  readonly generated: boolean;
}

/** Claims that were found unnecessary left out. @throws Error where one is not there yet */
export function claimsOfPod(pod: Pod): WantedClaim[] {
  const wanted = (pod.spec.resourceClaims ?? []).flatMap((claim) => wantedOf(pod, claim) ?? []);
  const extended = pod.status?.extendedResourceClaimStatus;
  return extended ? [...wanted, { name: extended.resourceClaimName, generated: false }] : wanted;
}

function wantedOf(pod: Pod, claim: PodResourceClaim): WantedClaim | undefined {
  const { namespace, name } = pod.metadata;
  const found = claimOfPod(pod, claim);
  switch (found.state) {
    case 'named':
      return found;
    case 'unneeded':
      return undefined;
    case 'missing':
      throw new Error(`pod "${namespace}/${name}": ResourceClaim not created yet`);
    case 'unsupported': {
      const problem = 'none of the supported fields are set';
      throw new Error(`pod "${namespace}/${name}", spec.resourceClaim ${JSON.stringify(claim.name)}: ${problem}`);
    }
  }
}

/** What a container knows as `alias` among the claims of its pod; undefined where there is none, or none yet. */
export function claimNamed(pod: Pod, alias: string): string | undefined {
  const claim = pod.spec.resourceClaims?.find(({ name }) => name === alias);
  const found = claim && claimOfPod(pod, claim);
  return found?.state === 'named' ? found.name : undefined;
}

/** By the claim's name, the requests that a container has of it; `''`: all of it. */
export function requestsOf(pod: Pod, { name, resources }: Container): Map<string, string[]> {
  const requests = new Map<string, string[]>();
  const add = (claim: string, request: string) => requests.set(claim, [...(requests.get(claim) ?? []), request]);
  for (const { name: alias, request = '' } of resources?.claims ?? []) {
    const claim = claimNamed(pod, alias);
    if (claim !== undefined) add(claim, request);
  }
  const extended = pod.status?.extendedResourceClaimStatus;
  for (const { containerName, resourceName, requestName } of extended?.requestMappings ?? []) {
    const amount = resources?.requests?.[resourceName];
    if (containerName !== name || amount === undefined || Quantity.parse(amount).isZero()) continue;
    add(extended!.resourceClaimName, requestName);
  }
  return requests;
}

/** The pod without what it requests that a claim stands for: the node need not have it. */
export function withoutClaimed(pod: Pod): Pod {
  const { requestMappings = [] } = pod.status?.extendedResourceClaimStatus ?? {};
  if (!pod.spec || requestMappings?.length === 0) return pod;
  const left = (container: Container): Container => {
    const claimed = (requestMappings ?? []).filter(({ containerName }) => containerName === container.name);
    if (claimed.length === 0) return container;
    const requests = { ...container.resources?.requests };
    for (const { resourceName } of claimed) delete requests[resourceName];
    return { ...container, resources: { ...container.resources, requests } };
  };
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: (containers ?? []).map(left),
      ...(initContainers ? { initContainers: initContainers.map(left) } : {}),
    },
  };
}

/** @throws Error where the pod may not use it */
export function checkUse(pod: Pod, claim: ResourceClaim, { generated }: WantedClaim): void {
  const { namespace, name, uid } = pod.metadata;
  if (generated && !isControlledBy(claim, pod)) {
    const shown = `${claim.metadata.namespace}/${claim.metadata.name}`;
    throw new Error(`ResourceClaim ${shown} was not created for Pod ${namespace}/${name} (Pod is not owner)`);
  }
  if (claim.status?.reservedFor?.some((each) => each.uid === uid)) return;
  const shown = `${claim.metadata.name} (${claim.metadata.uid})`;
  throw new Error(`pod ${name} (${uid}) is not allowed to use ResourceClaim ${shown}`);
}

/** Whether a device is for what a container requests; a request may have been met by one of its alternatives. */
export function isFor(requests: readonly string[], wanted: string): boolean {
  const base = (request: string) => request.split('/')[0];
  return wanted === '' || requests.length === 0 || requests.some((request) => base(request) === base(wanted));
}
