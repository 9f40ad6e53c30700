/**
 * Says of claims that have to grow who makes their volumes grow: drivers, by resizers of their own
 * (pkg/controller/volume/expand).
 */
import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { keyOf, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { driverInPlaceOf } from '../persistentvolume/migration.ts';
import { runQueue } from '../work.ts';

const RESIZER = 'volume.kubernetes.io/storage-resizer';
const BEFORE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity';
const ZERO = Quantity.of(0);

const requested = ({ spec }: PersistentVolumeClaim) => sizeOf(spec.resources?.requests);
const provided = ({ status }: PersistentVolumeClaim) => sizeOf(status?.capacity);
const sizeOf = (list: Readonly<Record<string, string>> | undefined) =>
  list?.storage === undefined ? ZERO : Quantity.parse(list.storage);

/** Whether the claim wants more than it has, or was not done growing. @throws Error where the volume is not the claim's */
function hasToGrow(claim: PersistentVolumeClaim, { metadata, spec }: PersistentVolume): boolean {
  const { uid, namespace } = claim.metadata;
  if (spec?.claimRef?.uid !== uid || spec?.claimRef?.namespace !== namespace) {
    throw new Error(`persistent Volume is not bound to PVC being updated : ${storeKey(claim)}`);
  }
  return requested(claim).cmp(provided(claim)) > 0 || metadata.annotations?.[BEFORE_RESIZE] !== undefined;
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('volume_expand');
  const queue = new WorkQueue<string>(world, 'volume_expand');
  const claims = informers.informer('persistentvolumeclaims');
  const look = (claim: PersistentVolumeClaim) => {
    if (claim.status?.phase === 'Bound') queue.add(storeKey(claim));
  };
  claims.addHandler({
    added: look,
    updated: (old, claim) => {
      if (requested(claim).cmp(requested(old)) > 0 || provided(claim).cmp(provided(old)) > 0) look(claim);
    },
  });
  const reconcile = async (key: string) => {
    const claim = claims.store.get(key);
    if (!claim) return;
    const volume = await client.resource('persistentvolumes').get({ name: claim.spec.volumeName ?? '' });
    if (!hasToGrow(claim, volume)) return;
    const migrated = driverInPlaceOf(volume);
    const waiting = migrated
      ? `CSI migration enabled for ${migrated.plugin}; waiting for external resizer to expand the pvc`
      : 'waiting for an external controller to expand this PVC';
    recorder.event(claim, 'Normal', 'ExternalExpanding', waiting);
    if (!migrated || claim.metadata.annotations?.[RESIZER] === migrated.driver) return;
    const patch = { metadata: { annotations: { [RESIZER]: migrated.driver } } };
    await client.resource('persistentvolumeclaims').patch(keyOf(claim), 'merge', patch, { subresource: 'status' });
  };
  return runQueue(context, { queue, informers: [claims], workers: 10, reconcile });
}
