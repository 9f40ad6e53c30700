/** Keeps volumes that are being deleted for as long as they are bound (pkg/controller/volume/pvprotection). */
import type { PersistentVolume } from '@keelson/api/generated/types/core/v1';
import { WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { protection, setFinalizer } from '../finalizers.ts';
import { runQueue } from '../work.ts';

const FINALIZER = 'kubernetes.io/pv-protection';

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'pvprotection');
  const volumes = informers.informer('persistentvolumes');
  const enqueue = ({ metadata }: PersistentVolume) => queue.add(metadata.name!);
  volumes.addHandler({ added: enqueue, updated: (_, volume) => enqueue(volume) });
  const reconcile = async (name: string) => {
    const volume = volumes.store.get(name);
    const deed = volume && protection(volume, FINALIZER, () => volume.status?.phase === 'Bound');
    if (deed) await setFinalizer(client.resource('persistentvolumes'), volume, FINALIZER, deed === 'add');
  };
  return runQueue(context, { queue, informers: [volumes], workers: 1, reconcile });
}
