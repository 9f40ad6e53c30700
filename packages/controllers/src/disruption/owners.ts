/** How many pods there are to be, as their controllers say (pkg/controller/disruption getExpectedScale). */

import type { StatusError } from '@keelson/api/errors';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { OwnerReference, TypedObject } from '@keelson/api/object';
import { controllerOf, hasReason, type InformerFactory, type Lister } from '@keelson/client';
import type { Scales } from '../scales.ts';

interface Replicated extends TypedObject {
  spec: { replicas?: number };
}

export class Owners {
  readonly informers;
  readonly #scales: Scales;

  constructor(informers: InformerFactory, scales: Scales) {
    this.informers = {
      ReplicationController: informers.informer('replicationcontrollers'),
      ReplicaSet: informers.informer('replicasets.apps'),
      Deployment: informers.informer('deployments.apps'),
      StatefulSet: informers.informer('statefulsets.apps'),
    };
    this.#scales = scales;
  }

  /**
   * @returns the sum of the scales of all controllers, and the names of pods that have none
   * @throws Error for a pod whose controller is unknown, or has no scale
   */
  async scaleOf(pods: readonly Pod[]): Promise<{ scale: number; unmanaged: string[] }> {
    const scales = new Map<string, number>();
    const seen = new Set<string>();
    const unmanaged: string[] = [];
    for (const pod of pods) {
      const { namespace, name } = pod.metadata;
      const reference = controllerOf(pod);
      if (!reference) unmanaged.push(name!);
      else if (!seen.has(reference.uid)) {
        seen.add(reference.uid);
        const found = this.#known(reference, namespace!) ?? (await this.#asked(reference, namespace!));
        if (!found) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`);
        scales.set(found.uid, found.scale);
      }
    }
    return { scale: [...scales.values()].reduce((sum, scale) => sum + scale, 0), unmanaged };
  }

  /** From the copies: a replica set's deployment counts in its place. */
  #known(reference: OwnerReference, namespace: string): { uid: string; scale: number } | undefined {
    const { ReplicaSet, Deployment, StatefulSet, ReplicationController } = this.informers;
    const group = reference.apiVersion.split('/').at(-2) ?? '';
    if (reference.kind === 'ReplicaSet' && (group === 'apps' || group === 'extensions')) {
      const set = find(ReplicaSet.store, reference, namespace);
      const owner = set && controllerOf(set);
      if (owner?.kind === 'Deployment') return scaleIn(find(Deployment.store, owner, namespace));
      return scaleIn(set);
    }
    if (reference.kind === 'StatefulSet' && group === 'apps') {
      return scaleIn(find(StatefulSet.store, reference, namespace));
    }
    if (reference.kind === 'ReplicationController' && group === '') {
      return scaleIn(find(ReplicationController.store, reference, namespace));
    }
    return undefined;
  }

  async #asked(
    { apiVersion, kind, name, uid }: OwnerReference,
    namespace: string,
  ): Promise<{ uid: string; scale: number } | undefined> {
    const group = apiVersion.split('/').at(-2) ?? '';
    try {
      const { scale } = await this.#scales.get(group, kind, namespace, name);
      return scale.metadata.uid === uid ? { uid, scale: scale.spec.replicas ?? 0 } : undefined;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      if (isServed(error)) return undefined;
      const { group: of = '', kind: resource = kind } = error.details ?? {};
      const qualified = of === '' ? resource : `${resource}.${of}`;
      throw new Error(`${qualified} does not implement the scale subresource`);
    }
  }
}

/** Whether the object is missing, not the path: then the server says so in its own words. */
function isServed(error: StatusError): boolean {
  return !error.details?.causes?.some(({ reason }) => reason === 'UnexpectedServerResponse');
}

function find<T extends TypedObject>(
  store: Lister<T>,
  { name, uid }: OwnerReference,
  namespace: string,
): T | undefined {
  const object = store.get(`${namespace}/${name}`);
  return object?.metadata.uid === uid ? object : undefined;
}

function scaleIn(object: Replicated | undefined): { uid: string; scale: number } | undefined {
  return object && { uid: object.metadata.uid!, scale: object.spec.replicas ?? 0 };
}
