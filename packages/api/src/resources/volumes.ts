/** Claims for volumes, and the volumes that can satisfy them (k8s.io/component-helpers/storage/volume). */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../generated/types/core/v1.ts';
import { Quantity } from '../quantity.ts';
import { type LabelSelector, selectorOfObject } from '../selectors/labels.ts';
import { compileNodeSelector, type NodePredicate } from './node-selector.ts';

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

/** Says that claim and volume know of each other. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
/** Says that the claim was put on the volume by a controller, not by a person. */
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
/** The node that a volume is to be made for. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
/** In place of a provisioner: there is none. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** Empty where there is none. */
export function claimClass({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? '';
}

export function volumeClass({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? '';
}

/** The name of the claim of a pod's volume, if it has one; those that come with the pod are named after it. */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined;
}

/** Whether the claim of a volume that comes with the pod was made for it. */
export function isOwnClaim({ metadata }: Pod, claim: PersistentVolumeClaim): boolean {
  const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller);
  return owner?.uid === metadata.uid;
}

export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

/** Whether the volume names the claim, be it by a person who did not know its uid. */
export function isReservedFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec;
  if (!claimRef || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

/** From where the volume can be reached. @throws Error for terms that make no sense */
export function volumeNodes({ spec }: PersistentVolume): NodePredicate {
  const required = spec.nodeAffinity?.required;
  return required ? compileNodeSelector(required) : () => true;
}

export interface MatchOptions {
  /** Volumes that are taken, by name. */
  readonly taken?: ReadonlySet<string>;
  /** Only volumes that can be reached from there. */
  readonly node?: Node;
  /** Without a node, only volumes that were reserved for the claim match: where the pod will run is not known yet. */
  readonly delayed?: boolean;
}

/** The volume that was reserved for the claim, or the smallest of those that are free and large enough. */
export function matchingVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  { taken, node, delayed = false }: MatchOptions = {},
): PersistentVolume | undefined {
  const wanted = wantedBy(claim);
  let smallest: PersistentVolume | undefined;
  let size: Quantity | undefined;
  for (const volume of volumes) {
    if (taken?.has(volume.metadata.name!) || !couldServe(volume, claim, wanted)) continue;
    const reachable = !node || volumeNodes(volume)(node);
    if (isReservedFor(volume, claim)) return reachable ? volume : undefined;
    if (delayed && !node) continue;
    if (volume.status?.phase !== 'Available' || !wanted.selector(volume) || volumeClass(volume) !== wanted.class)
      continue;
    if (!reachable || (node && !hasAccessModes(volume, claim))) continue;
    const capacity = Quantity.parse(volume.spec.capacity?.storage ?? '0');
    if (size && size.cmp(capacity) <= 0) continue;
    smallest = volume;
    size = capacity;
  }
  return smallest;
}

interface Wanted {
  readonly size: Quantity;
  readonly class: string;
  readonly selector: (volume: PersistentVolume) => boolean;
}

function wantedBy(claim: PersistentVolumeClaim): Wanted {
  const { resources, selector } = claim.spec;
  const labels: LabelSelector | undefined = selector && selectorOfObject(selector);
  return {
    size: Quantity.parse(resources?.requests?.storage ?? '0'),
    class: claimClass(claim),
    selector: ({ metadata }) => !labels || labels.matches(metadata.labels ?? {}),
  };
}

/** What holds for reserved volumes, too. */
function couldServe(volume: PersistentVolume, claim: PersistentVolumeClaim, { size }: Wanted): boolean {
  const { spec, metadata } = volume;
  if (spec.claimRef && !isReservedFor(volume, claim)) return false;
  if (Quantity.parse(spec.capacity?.storage ?? '0').cmp(size) < 0) return false;
  if ((spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) return false;
  if ((spec.volumeAttributesClassName ?? '') !== (claim.spec.volumeAttributesClassName ?? '')) return false;
  return metadata.deletionTimestamp === undefined;
}

export function hasAccessModes({ spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode));
}

/** The volume as it is to be written to reserve it for the claim; the volume itself where nothing has to change. */
export function reservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const { claimRef } = volume.spec;
  const named = claimRef?.name === name && claimRef?.namespace === namespace && claimRef?.uid === uid;
  const chosen = !isReservedFor(volume, claim) && volume.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined;
  if (named && !chosen) return volume;
  const reference = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion };
  const annotations = { ...volume.metadata.annotations, ...(chosen ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}) };
  return {
    ...volume,
    metadata: { ...volume.metadata, annotations },
    spec: { ...volume.spec, claimRef: named ? claimRef! : (reference as NonNullable<typeof claimRef>) },
  };
}
