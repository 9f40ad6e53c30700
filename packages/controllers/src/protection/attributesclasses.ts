/** Keeps classes of volume attributes that are being deleted for as long as volumes or claims name them (pkg/controller/volume/vacprotection). */
import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { VolumeAttributesClass } from '@keelson/api/generated/types/storage/v1';
import { WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { protection, setFinalizer } from '../finalizers.ts';
import { runQueue } from '../work.ts';

const FINALIZER = 'kubernetes.io/vac-protection';
const INDEX = 'attributesClass';

const named = (...names: (string | undefined)[]): string[] =>
  [...new Set(names.filter((name) => name !== undefined && name !== ''))] as string[];

const classOfVolume = ({ spec }: PersistentVolume) => named(spec?.volumeAttributesClassName);

/** What a claim asks for, what it has, and what it is being changed to. */
function classesOfClaim({ spec, status }: PersistentVolumeClaim): string[] {
  const target = status?.modifyVolumeStatus?.targetVolumeAttributesClassName;
  return named(spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, target);
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'vacprotection');
  const classes = informers.informer('volumeattributesclasses.storage.k8s.io');
  const volumes = informers.informer('persistentvolumes');
  const claims = informers.informer('persistentvolumeclaims');
  volumes.addIndex(INDEX, classOfVolume);
  claims.addIndex(INDEX, classesOfClaim);
  const enqueue = ({ metadata }: VolumeAttributesClass) => queue.add(metadata.name!);
  classes.addHandler({ added: enqueue, updated: (_, each) => enqueue(each) });
  /** @param now what is named still */
  const freed = (before: readonly string[], now: readonly string[]) => {
    for (const name of before) if (!now.includes(name)) queue.add(name);
  };
  volumes.addHandler({
    updated: (old, volume) => freed(classOfVolume(old), classOfVolume(volume)),
    deleted: (volume) => freed(classOfVolume(volume), []),
  });
  claims.addHandler({
    updated: (old, claim) => freed(classesOfClaim(old), classesOfClaim(claim)),
    deleted: (claim) => freed(classesOfClaim(claim), []),
  });
  const resource = client.resource('volumeattributesclasses.storage.k8s.io');
  const isUsed = (name: string) => [volumes, claims].some(({ store }) => store.byIndex(INDEX, name).length > 0);

  const isUsedStill = async (name: string): Promise<boolean> => {
    for await (const { items } of client.resource('persistentvolumes').pages()) {
      if (items.some((volume) => classOfVolume(volume).includes(name))) return true;
    }
    for await (const { items } of client.resource('persistentvolumeclaims').pages()) {
      if (items.some((claim) => classesOfClaim(claim).includes(name))) return true;
    }
    return false;
  };

  const reconcile = async (name: string) => {
    const found = classes.store.get(name);
    if (!found) return;
    const deed = protection(found, FINALIZER, () => isUsed(name));
    // The copies may be behind: a claim that has just come would lose its class.
    if (deed === 'add' || (deed === 'remove' && !(await isUsedStill(name)))) {
      await setFinalizer(resource, found, FINALIZER, deed === 'add');
    }
  };
  return runQueue(context, { queue, informers: [classes, volumes, claims], workers: 1, reconcile });
}
