/**
 * What becomes of a claim or of a volume, seen together with the other (pkg/controller/volume/persistentvolume). Both say who
 * they belong to, and both are written one after the other: each step can be found half done, and is then gone on with.
 *
 *     claim  Pending ── a volume fits ──▶ Bound ── the volume is gone, or somebody else's ──▶ Lost
 *     volume Available ── reserved, and the claim says so ──▶ Bound ── the claim is gone ──▶ Released ──▶ reclaimed
 */
import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { StorageClass } from '@keelson/api/generated/types/storage/v1';
import { namesStorageClass } from '@keelson/api/resources/default-classes';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  claimClass,
  hasAccessModes,
  isReservedFor,
  matchingVolume,
  NO_PROVISIONER,
  SELECTED_NODE,
} from '@keelson/api/resources/volumes';

export interface Told {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export type ClaimDecision =
  | { readonly deed: 'bind'; readonly volume: PersistentVolume }
  | { readonly deed: 'wait'; readonly event?: Told }
  /** It gets the class that was made the default after it had been created. */
  | { readonly deed: 'classify'; readonly className: string }
  | { readonly deed: 'provision'; readonly provisioner: string; readonly event: Told }
  | { readonly deed: 'lose'; readonly event: Told }
  /** The volume that the claim says is somebody else's, by this controller's own hand: it is looked at again. */
  | { readonly deed: 'fail'; readonly event: Told };

export interface Surroundings {
  readonly volumes: readonly PersistentVolume[];
  storageClass(name: string): StorageClass | undefined;
  /** Name of the class that claims get that name none. */
  defaultClass(): string | undefined;
  /** Pods without a node that use the claim. */
  waitingPods(): readonly string[];
}

const warn = (reason: string, message: string): Told => ({ type: 'Warning', reason, message });
const say = (reason: string, message: string): Told => ({ type: 'Normal', reason, message });

export function decideClaim(claim: PersistentVolumeClaim, around: Surroundings): ClaimDecision {
  const { volumeName = '' } = claim.spec;
  const volume = around.volumes.find(({ metadata }) => metadata.name === volumeName);
  if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) return decideBound(claim, volumeName, volume);
  if (volumeName !== '') return decideChosen(claim, volume);
  const storageClass = around.storageClass(claimClass(claim));
  const selected = claim.metadata.annotations?.[SELECTED_NODE] !== undefined;
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const found = bestVolume(claim, around.volumes, isDelayed);
  if (found) return { deed: 'bind', volume: found };
  const className = namesStorageClass(claim) ? undefined : around.defaultClass();
  if (className !== undefined) return { deed: 'classify', className };
  if (isDelayed && !selected) return { deed: 'wait', event: waitingFor(around.waitingPods()) };
  if (claimClass(claim) === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { deed: 'wait', event: say('FailedBinding', message) };
  }
  return provision(claim, storageClass);
}

function decideBound(
  claim: PersistentVolumeClaim,
  volumeName: string,
  volume: PersistentVolume | undefined,
): ClaimDecision {
  if (volumeName === '') {
    const message = 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!';
    return { deed: 'lose', event: warn('ClaimLost', message) };
  }
  if (!volume) {
    const message = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!';
    return { deed: 'lose', event: warn('ClaimLost', message) };
  }
  const { claimRef } = volume.spec;
  if (!claimRef || claimRef.uid === claim.metadata.uid) return { deed: 'bind', volume };
  const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
  return { deed: 'lose', event: warn('ClaimMisbound', message) };
}

/** Somebody has said which volume it is to be. */
function decideChosen(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): ClaimDecision {
  if (!volume) return { deed: 'wait' };
  const name = JSON.stringify(volume.metadata.name);
  if (!volume.spec.claimRef) {
    const mismatch = matchingVolume(claim, [{ ...volume, status: { ...volume.status, phase: 'Available' } }])
      ? ''
      : 'requested PV does not fit the claim';
    if (mismatch === '') return { deed: 'bind', volume };
    return { deed: 'wait', event: warn('VolumeMismatch', `Cannot bind to requested volume ${name}: ${mismatch}`) };
  }
  if (isReservedFor(volume, claim)) return { deed: 'bind', volume };
  const event = warn('FailedBinding', `volume ${name} already bound to a different claim.`);
  return claim.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined
    ? { deed: 'wait', event }
    : { deed: 'fail', event };
}

/** Of the volumes that can be used as the claim wants, those come first that can be used in fewer ways besides. */
function bestVolume(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  delayed: boolean,
): PersistentVolume | undefined {
  const usable = volumes.filter((volume) => hasAccessModes(volume, claim));
  const reserved = usable.find((volume) => volume.spec.claimRef && isReservedFor(volume, claim));
  const byModes = Map.groupBy(usable, ({ spec }) => spec.accessModes?.length ?? 0);
  const groups = reserved ? [[reserved]] : [...byModes].sort(([a], [b]) => a - b).map(([, group]) => group);
  for (const group of groups) {
    const found = matchingVolume(claim, group, { delayed });
    if (found) return found;
  }
  return undefined;
}

function waitingFor(pods: readonly string[]): Told {
  if (pods.length === 0) return say('WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  const names = pods.length === 1 ? `pod ${pods[0]}` : `pods ${pods.join(', ')}`;
  return say('WaitForPodScheduled', `waiting for ${names} to be scheduled`);
}

function provision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): ClaimDecision {
  if (!storageClass) {
    const name = JSON.stringify(claimClass(claim));
    return { deed: 'wait', event: warn('ProvisioningFailed', `storageclass.storage.k8s.io ${name} not found`) };
  }
  const { provisioner } = storageClass;
  if (provisioner === NO_PROVISIONER) {
    return { deed: 'wait', event: warn('ProvisioningFailed', `no volume plugin matched name: ${NO_PROVISIONER}`) };
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
  return { deed: 'provision', provisioner, event: say('ExternalProvisioning', message) };
}

export type VolumeDecision =
  | { readonly deed: 'phase'; readonly phase: 'Available' | 'Bound' }
  | { readonly deed: 'release' }
  /** The claim has another volume: this one is free again, or waits for a claim of that name. */
  | { readonly deed: 'unbind' }
  | { readonly deed: 'nothing' };

/** @param claim the one that the volume names, if it is there and is the one that is meant */
export function decideVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeDecision {
  const { claimRef, persistentVolumeReclaimPolicy: policy } = volume.spec;
  if (!claimRef?.uid) return { deed: 'phase', phase: 'Available' };
  if (!claim) return { deed: 'release' };
  if (!claim.spec.volumeName) return { deed: 'nothing' };
  if (claim.spec.volumeName === volume.metadata.name) return { deed: 'phase', phase: 'Bound' };
  const wasProvisioned = volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by'] !== undefined;
  return wasProvisioned && policy === 'Delete' ? { deed: 'release' } : { deed: 'unbind' };
}

/** What is to be done with a released volume; undefined: nothing, or it is somebody else's to do. */
export function reclaim({ metadata, spec }: PersistentVolume): Told | undefined {
  const name = JSON.stringify(metadata.name);
  switch (spec.persistentVolumeReclaimPolicy) {
    case 'Delete':
      // Who made it deletes it.
      if (metadata.annotations?.['pv.kubernetes.io/provisioned-by'] !== undefined) return undefined;
      return warn(
        'VolumeFailedDelete',
        `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`,
      );
    case 'Recycle':
      return warn('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    default:
      return undefined;
  }
}
