import type { Pod, PodResourceClaim } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim, ResourceClaimTemplate } from '@keelson/api/generated/types/resource/v1';
import { claimOfPod } from '@keelson/api/resources/pod-claims';
import { type Client, controllerOf, type EventRecorder, isControlledBy, type Lister, storeKey } from '@keelson/client';
import { ownedBy } from '../owned.ts';
import { lacksReservation } from './decide.ts';
import { claimFor, POD_CLAIM } from './generate.ts';
import type { ClaimMetrics } from './metrics.ts';

const FIELD_MANAGER = 'ResourceClaimController';

interface PodClaimsOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly claims: Lister<ResourceClaim>;
  readonly templates: Lister<ResourceClaimTemplate>;
  readonly metrics: ClaimMetrics;
}

/** Sees to it that pods have their claims. */
export class PodClaims {
  readonly #options: PodClaimsOptions;
  /** What was made lately and is perhaps not seen yet: by the pod's uid, by the claim's name in the pod. */
  readonly #made = new Map<string, Map<string, ResourceClaim>>();

  constructor(options: PodClaimsOptions) {
    this.#options = options;
  }

  /** Makes the claims that a pod lacks, tells in its status which they are, and reserves them where no scheduler does. */
  async provide(pod: Pod): Promise<void> {
    const { client, claims } = this.#options;
    const names = new Map<string, string>();
    let isNew = false;
    for (const podClaim of pod.spec.resourceClaims ?? []) {
      const found = await this.#provideClaim(pod, podClaim);
      if (!found) continue;
      names.set(podClaim.name, found.name);
      isNew ||= found.isNew;
    }
    if (isNew) {
      const { namespace, name = '' } = pod.metadata;
      const resourceClaimStatuses = [...names].map(([name, resourceClaimName]) => ({ name, resourceClaimName }));
      const applied = { metadata: { namespace: namespace!, name }, status: { resourceClaimStatuses } };
      await client.resource('pods').apply(applied, FIELD_MANAGER, { subresource: 'status', force: true });
    }
    for (const podClaim of pod.spec.resourceClaims ?? []) {
      const found = claimOfPod(pod, podClaim);
      const claim = found.state === 'named' && claims.get(`${pod.metadata.namespace}/${found.name}`);
      if (claim && lacksReservation(claim, pod)) await this.#reserve(claim, pod);
    }
  }

  /** The informer tells of a claim: what was made need not be remembered any more. */
  seen(claim: ResourceClaim): void {
    const made = this.#made.get(controllerOf(claim)?.uid ?? '');
    made?.delete(claim.metadata.annotations?.[POD_CLAIM] ?? '');
  }

  forget({ metadata }: Pod): void {
    this.#made.delete(metadata.uid!);
  }

  /** @returns the name of a claim that is the pod's own, and whether its status does not have it yet */
  async #provideClaim(pod: Pod, podClaim: PodResourceClaim): Promise<{ name: string; isNew: boolean } | undefined> {
    try {
      const found = claimOfPod(pod, podClaim);
      if (found.state === 'unneeded') return undefined;
      if (found.state === 'unsupported') throw new Error(unsupported(pod, podClaim));
      if (found.state === 'named') {
        if (!found.generated) return undefined;
        const claim = this.#options.claims.get(`${pod.metadata.namespace}/${found.name}`);
        if (claim && isControlledBy(claim, pod)) return { name: found.name, isNew: false };
      }
      const claim = this.#madeFor(pod, podClaim) ?? (await this.#make(pod, podClaim));
      return { name: claim.metadata.name!, isNew: true };
    } catch (error) {
      const message = `PodResourceClaim ${podClaim.name}: ${(error as Error).message}`;
      this.#options.recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', message);
      throw error;
    }
  }

  /** One that was made before, though the status could not be written. */
  #madeFor(pod: Pod, { name }: PodResourceClaim): ResourceClaim | undefined {
    const own = ownedBy(this.#options.claims, pod).find(({ metadata }) => metadata.annotations?.[POD_CLAIM] === name);
    return own ?? this.#made.get(pod.metadata.uid!)?.get(name);
  }

  async #make(pod: Pod, podClaim: PodResourceClaim): Promise<ResourceClaim> {
    const { client, templates, metrics } = this.#options;
    const name = podClaim.resourceClaimTemplateName!;
    const template = templates.get(`${pod.metadata.namespace}/${name}`);
    if (!template) {
      throw new Error(`resource claim template "${name}": resourceclaimtemplate.resource.k8s.io "${name}" not found`);
    }
    const claims = client.resource('resourceclaims.resource.k8s.io');
    const draft = claimFor(pod, podClaim, template);
    const claim = await metrics
      .created(template.spec.spec, () => claims.create(draft))
      .catch((error) => {
        throw new Error(`create ResourceClaim : ${error.message}`, { cause: error });
      });
    if (!this.#options.claims.get(storeKey(claim))) {
      const made = this.#made.get(pod.metadata.uid!) ?? new Map<string, ResourceClaim>();
      this.#made.set(pod.metadata.uid!, made.set(podClaim.name, claim));
    }
    return claim;
  }

  async #reserve(claim: ResourceClaim, pod: Pod): Promise<void> {
    const { name = '', uid = '' } = pod.metadata;
    const reservedFor = [...(claim.status?.reservedFor ?? []), { resource: 'pods', name, uid }];
    const resource = this.#options.client.resource('resourceclaims.resource.k8s.io');
    await resource.updateStatus({ ...claim, status: { ...claim.status, reservedFor } });
  }
}

function unsupported(pod: Pod, { name }: PodResourceClaim): string {
  const problem = `spec.resourceClaim "${name}": none of the supported fields are set`;
  return `checking for claim before creating it: pod "${storeKey(pod)}", ${problem}`;
}
