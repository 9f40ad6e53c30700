/** Mirror pods: what the API server has in place of static ones (pkg/kubelet/pod/mirror_client.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, hasReason, keyOf, type World } from '@keelson/client';
import { CONFIG_HASH, CONFIG_MIRROR } from '../pods/spec.ts';

export interface MirrorOptions {
  readonly client: Client;
  readonly world: World;
  /** The owner of mirrors; undefined until the node is registered. */
  node(): { readonly name: string; readonly uid: string } | undefined;
}

export class MirrorPods {
  readonly #options: MirrorOptions;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  /** Makes the mirror, or makes it anew where it is that of another manifest. @param mirror as the API server has it */
  async ensure(pod: Pod, mirror: Pod | undefined): Promise<void> {
    const { world } = this.#options;
    try {
      if (mirror && (mirror.metadata.deletionTimestamp || !isMirrorOf(mirror, pod))) await this.#delete(mirror);
      else if (mirror) return;
      await this.#create(pod);
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) {
        world.log.warn({ pod: keyOf(pod), error }, 'Could not create the mirror of a static pod');
      }
    }
  }

  /** Removes the mirror of a static pod that is no more; what fails is tried again with the next reconciliation. Never throws. */
  async remove(mirror: Pod): Promise<void> {
    const { log } = this.#options.world;
    await this.#delete(mirror).catch((error) =>
      log.warn({ pod: keyOf(mirror), error }, 'Could not delete the mirror of a static pod'),
    );
  }

  async #delete({ metadata }: Pod): Promise<void> {
    const pods = this.#options.client.resource('pods');
    try {
      await pods.delete(keyOf({ metadata }), { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid! } });
    } catch (error) {
      if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error;
    }
  }

  async #create(pod: Pod): Promise<void> {
    const node = this.#options.node();
    if (!node) throw new Error('the node is not registered yet');
    const { name, namespace, labels, annotations = {} } = pod.metadata;
    const owner = { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.uid, controller: true };
    await this.#options.client.resource('pods').create({
      metadata: {
        ...(name ? { name } : {}),
        ...(namespace ? { namespace } : {}),
        ...(labels ? { labels } : {}),
        annotations: { ...annotations, [CONFIG_MIRROR]: annotations[CONFIG_HASH] ?? '' },
        ownerReferences: [owner],
      },
      spec: pod.spec!,
    });
  }
}

/** Whether it mirrors the static pod as its manifest is now. */
export function isMirrorOf(mirror: Pod, pod: Pod): boolean {
  return mirror.metadata.annotations?.[CONFIG_MIRROR] === pod.metadata.annotations?.[CONFIG_HASH];
}
