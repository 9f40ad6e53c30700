/** Where volumes are wanted: on the nodes of the pods that use them (pkg/controller/volume/attachdetach/cache, util). */
import type {
  ContainerStatus,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Volume,
} from '@keelson/api/generated/types/core/v1';
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import { nameOfVolume } from '@keelson/api/resources/attachments';
import { claimNameOf, isOwnClaim } from '@keelson/api/resources/volumes';
import { type Lister, storeKey } from '@keelson/client';
import { isTerminal } from '../pods/state.ts';
import { VOLUME } from './places.ts';

const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach';

export interface Known {
  readonly nodes: Lister<Node>;
  readonly claims: Lister<PersistentVolumeClaim>;
  readonly volumes: Lister<PersistentVolume>;
  readonly drivers: Lister<CSIDriver>;
}

/** A volume that has to be attached before a pod can use it. */
export interface Needed {
  /** See uniqueName. */
  readonly name: string;
  readonly volume: PersistentVolume;
}

/** What a pod needs on its node, as far as it is known by now. */
export function neededBy(pod: Pod, known: Known): Needed[] {
  const node = known.nodes.get(pod.spec.nodeName ?? '');
  if (node?.metadata.annotations?.[MANAGED] === undefined || hasEnded(pod)) return [];
  return (pod.spec.volumes ?? []).flatMap((each) => {
    const volume = volumeOf(pod, each, known);
    const name = volume && nameOfVolume(volume);
    return name && isAttachable(volume, known) ? [{ name, volume }] : [];
  });
}

/** None of its containers runs any more: nothing of it is mounted for long. */
function hasEnded(pod: Pod): boolean {
  const isStopped = ({ state }: ContainerStatus) => Boolean(state?.terminated ?? state?.waiting);
  const isLeaving = pod.metadata.deletionTimestamp !== undefined;
  return isTerminal(pod) || (isLeaving && (pod.status.containerStatuses ?? []).every(isStopped));
}

/** The persistent volume that a pod's volume is, if its claim is bound. */
export function volumeOf(pod: Pod, volume: Volume, { claims, volumes }: Known): PersistentVolume | undefined {
  const name = claimNameOf(pod, volume);
  const claim = name === undefined ? undefined : claims.get(`${pod.metadata.namespace}/${name}`);
  if (claim?.status?.phase !== 'Bound' || (volume.ephemeral && !isOwnClaim(pod, claim))) return undefined;
  const found = volumes.get(claim.spec.volumeName ?? '');
  return found?.spec?.claimRef?.uid === claim.metadata.uid ? found : undefined;
}

/** Drivers that are not known are taken to want it. */
function isAttachable({ spec }: PersistentVolume, { drivers }: Known): boolean {
  return drivers.get(spec?.csi?.driver ?? '')?.spec.attachRequired ?? true;
}

/** What all pods need, by volume. */
export class Desired {
  readonly #known: Known;
  readonly #ofPods = new Map<string, readonly string[]>();
  readonly #users = new Map<string, Map<string, Pod>>();

  constructor(known: Known) {
    this.#known = known;
  }

  /** @returns names of volumes whose users may have changed */
  look(pod: Pod): Set<string> {
    const key = storeKey(pod);
    const before = this.forget(pod);
    const now = [...new Set(neededBy(pod, this.#known).map(({ name }) => name))];
    if (now.length > 0) this.#ofPods.set(key, now);
    for (const name of now) {
      const users = this.#users.get(name) ?? new Map<string, Pod>();
      this.#users.set(name, users.set(key, pod));
    }
    return new Set([...before, ...now]);
  }

  /** @returns names of volumes that it used */
  forget(pod: Pod): Set<string> {
    const key = storeKey(pod);
    const before = new Set(this.#ofPods.get(key));
    this.#ofPods.delete(key);
    for (const name of before) {
      const users = this.#users.get(name);
      users?.delete(key);
      if (users?.size === 0) this.#users.delete(name);
    }
    return before;
  }

  /** Each volume once for each node where it is wanted. */
  *attached(): Iterable<PersistentVolume> {
    for (const name of this.#users.keys()) {
      const [volume] = this.#known.volumes.byIndex(VOLUME, name);
      if (volume) for (const _ of this.usersOf(name).keys()) yield volume;
    }
  }

  /** The pods that use a volume, by their nodes. */
  usersOf(name: string): Map<string, Pod[]> {
    return Map.groupBy(this.#users.get(name)?.values() ?? [], ({ spec }) => spec.nodeName!);
  }
}
