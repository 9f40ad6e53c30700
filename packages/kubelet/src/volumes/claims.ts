/** The claim of a pod's volume, and what it is bound to (pkg/kubelet/volumemanager/populator). */
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { claimNameOf, isOwnClaim } from '@keelson/api/resources/volumes';
import type { Client } from '@keelson/client';

const PROTECTION = 'kubernetes.io/pvc-protection';

export interface BoundClaim {
  readonly claim: PersistentVolumeClaim;
  readonly persistent: PersistentVolume;
}

/** Why a volume of a pod is not known yet. */
export class ClaimError extends Error {
  override readonly name = 'ClaimError';
}

/** @throws ClaimError as long as the pod cannot have it */
export async function boundClaimOf(client: Client, pod: Pod, volume: Volume): Promise<BoundClaim> {
  const { namespace = '' } = pod.metadata;
  const name = claimNameOf(pod, volume) ?? '';
  const failed = (message: string) => new ClaimError(`error processing PVC ${namespace}/${name}: ${message}`);
  const claim = await client
    .resource('persistentvolumeclaims')
    .get({ namespace, name })
    .catch((error: Error) => {
      throw failed(`failed to fetch PVC from API server: ${error.message}`);
    });
  const { deletionTimestamp, finalizers = [], uid } = claim.metadata;
  if (deletionTimestamp && !finalizers?.includes(PROTECTION)) throw failed('PVC is being deleted');
  if (claim.status?.phase !== 'Bound') throw failed('PVC is not bound');
  const volumeName = claim.spec.volumeName ?? '';
  if (volumeName === '') throw failed('PVC has empty pvc.Spec.VolumeName');
  if (volume.ephemeral && !isOwnClaim(pod, claim)) {
    const whose = `was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
    throw new ClaimError(`PVC ${namespace}/${name} ${whose}`);
  }
  const persistent = await client
    .resource('persistentvolumes')
    .get({ name: volumeName })
    .catch((error: Error) => {
      throw failed(`failed to fetch PV ${volumeName} from API server: ${error.message}`);
    });
  const { claimRef, volumeMode = 'Filesystem' } = persistent.spec;
  if (!claimRef) {
    const unbound = 'but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim';
    throw failed(`found PV object ${volumeName} ${unbound}`);
  }
  if (claimRef.uid !== uid) {
    const other = `but its pv.Spec.ClaimRef.UID ${claimRef.uid ?? ''} does not point to claim.UID ${uid ?? ''}`;
    throw failed(`found PV object ${volumeName} ${other}`);
  }
  checkUse(volume.name, volumeMode, usedVolumes(pod));
  return { claim, persistent };
}

function checkUse(name: string, mode: string, { mounts, devices }: UsedVolumes): void {
  if (mounts.has(name) && mode !== 'Filesystem') {
    throw new ClaimError(`volume ${name} has volumeMode ${mode}, but is specified in volumeMounts`);
  }
  if (devices.has(name) && mode !== 'Block') {
    throw new ClaimError(`volume ${name} has volumeMode ${mode}, but is specified in volumeDevices`);
  }
}

export interface UsedVolumes {
  readonly mounts: ReadonlySet<string>;
  readonly devices: ReadonlySet<string>;
}

/** Names of the volumes that containers of a pod have: others are not made. */
export function usedVolumes({ spec }: Pod): UsedVolumes {
  const containers = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ];
  return {
    mounts: new Set(containers.flatMap(({ volumeMounts }) => (volumeMounts ?? []).map(({ name }) => name))),
    devices: new Set(containers.flatMap(({ volumeDevices }) => (volumeDevices ?? []).map(({ name }) => name))),
  };
}
