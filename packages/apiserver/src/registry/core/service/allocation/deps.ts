/** What allocation needs of the server around it. */
import type { IPFamily } from '@keelson/api/ip';
import type { KubeObject } from '@keelson/api/object';
import type { Store } from '@keelson/storage/store';
import type { AllocationMetrics } from './metrics.ts';

/** Reads and writes objects in the server's own name, past admission. Objects are in the version that is asked for. */
export interface AllocationClient {
  get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject | undefined>;
  list(apiVersion: string, kind: string): Promise<readonly KubeObject[]>;
  /** @throws StatusError 409 AlreadyExists */
  create(object: KubeObject): Promise<void>;
  /** @throws StatusError 409 Conflict when resourceVersion has moved on */
  update(object: KubeObject, subresource?: 'status'): Promise<void>;
  /** Server-side apply, by force, for another manager of fields. @throws StatusError 404 */
  managedBy(manager: string): { apply(config: KubeObject, subresource: 'status'): Promise<void> };
  /** @throws StatusError 404 */
  delete(object: KubeObject): Promise<void>;
}

export interface PortRange {
  readonly base: number;
  readonly size: number;
}

export interface AllocationDeps {
  /** Asked for at each use: the registrations are made before the stores that the client reads. */
  readonly client: () => AllocationClient;
  /** Where the record of node ports lies. */
  readonly store: Store;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told of what could not be freed; the next start repairs it. */
  readonly report: (error: unknown) => void;
  readonly metrics?: AllocationMetrics | undefined;
  /** One CIDR, or one for each family; the first gives the default family (--service-cluster-ip-range). */
  readonly clusterIPRanges: readonly string[];
  /** --service-node-port-range */
  readonly nodePortRange: PortRange;
}

/** The families that the cluster has, the default one first. */
export type Families = readonly [IPFamily, ...IPFamily[]];

/** Why an address or a port could not be had, in upstream's words. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError';
  readonly full: boolean;
  constructor(message: string, full = false) {
    super(message);
    this.full = full;
  }
}
