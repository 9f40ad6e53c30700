/** The lease by which a node is known to live (component-helpers/apimachinery/lease/controller.go). */
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Node } from '@keelson/api/generated/types/core/v1';
import { formatMicroTime } from '@keelson/api/time';
import { type Client, hasReason } from '@keelson/client';

const NAMESPACE = 'kube-node-lease';

export interface LeaseOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly durationSeconds: number;
}

export class NodeLease {
  readonly #options: LeaseOptions;
  #known: Lease | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Once. What was written last is taken for what is there; where it is not, it is read. @throws what the client throws */
  async renew(node: Node | undefined): Promise<void> {
    const leases = this.#options.client.resource('leases.coordination.k8s.io');
    const key = { namespace: NAMESPACE, name: this.#options.nodeName };
    if (this.#known) {
      try {
        this.#known = await leases.update(this.#renewed(this.#known, node));
        return;
      } catch (error) {
        this.#known = undefined;
        if (!hasReason(error, 'Conflict') && !hasReason(error, 'NotFound')) throw error;
      }
    }
    try {
      this.#known = await leases.create(this.#renewed({ metadata: key, spec: {} }, node));
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      this.#known = await leases.update(this.#renewed(await leases.get(key), node));
    }
  }

  #renewed(lease: Lease, node: Node | undefined): Lease {
    const { nodeName, durationSeconds, client } = this.#options;
    const owner = node && { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid! };
    return {
      ...lease,
      metadata: { ...lease.metadata, ...(owner ? { ownerReferences: [owner] } : {}) },
      spec: {
        ...lease.spec,
        holderIdentity: nodeName,
        leaseDurationSeconds: durationSeconds,
        renewTime: formatMicroTime(new Date(client.world.clock.now())),
      },
    };
  }
}
