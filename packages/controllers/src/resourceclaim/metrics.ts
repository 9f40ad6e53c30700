/** What is counted of claims for devices (pkg/controller/resourceclaim/metrics). */
import type { ResourceClaim, ResourceClaimSpec } from '@keelson/api/generated/types/resource/v1';
import type { Lister } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { countsBy, Families } from '../metrics.ts';
import { POD_CLAIM } from './generate.ts';

const EXTENDED_CLAIM = 'resource.kubernetes.io/extended-resource-claim';

export class ClaimMetrics {
  readonly #creations;

  constructor(registry: MetricsRegistry | undefined, claims: Lister<ResourceClaim>) {
    const families = new Families('resourceclaim_controller', registry);
    this.#creations = families.counter(
      'creates_total',
      'ALPHA',
      'Claims that were to be made of templates.',
      'status',
      'admin_access',
    );
    families.counted(
      () =>
        countsBy(claims.values(), (claim) => [String(isAllocated(claim)), adminAccess(claim.spec), sourceOf(claim)]),
      'resource_claims',
      'ALPHA',
      'Claims.',
      'allocated',
      'admin_access',
      'source',
    );
  }

  /** @throws what `create` throws */
  async created<T>(spec: ResourceClaimSpec, create: () => Promise<T>): Promise<T> {
    let status = 'failure';
    try {
      const claim = await create();
      status = 'success';
      return claim;
    } finally {
      this.#creations.with(status, adminAccess(spec)).inc();
    }
  }
}

const isAllocated = ({ status }: ResourceClaim) => Boolean(status?.allocation);

function adminAccess({ devices }: ResourceClaimSpec): string {
  return String((devices?.requests ?? []).some(({ exactly }) => exactly?.adminAccess === true));
}

function sourceOf({ metadata: { annotations } }: ResourceClaim): string {
  if (annotations?.[EXTENDED_CLAIM] === 'true') return 'extended_resource';
  return annotations?.[POD_CLAIM] ? 'resource_claim_template' : '';
}
