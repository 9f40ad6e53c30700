/** Keeps claims that are being deleted for as long as pods use them (pkg/controller/volume/pvcprotection). */
import type { PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import { storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { protection, setFinalizer } from '../finalizers.ts';
import { podInformer } from '../pods/informer.ts';
import { isTerminal } from '../pods/state.ts';
import { runQueue } from '../work.ts';

const FINALIZER = 'kubernetes.io/pvc-protection';
export const INDEX = 'claim';

/** `namespace/name` of the claims that a pod mounts. */
export function claimsOf({ metadata: { namespace, name }, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [`${namespace}/${volume.persistentVolumeClaim.claimName}`];
    return volume.ephemeral ? [`${namespace}/${name}-${volume.name}`] : [];
  });
}

/** A pod holds its claims from when it has a node until it is over: then only the kubelet may still have them mounted. */
const isHolding = (pod: Pod) => Boolean(pod.spec.nodeName) && !(isTerminal(pod) && pod.metadata.deletionTimestamp);

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'pvcprotection');
  const claims = informers.informer('persistentvolumeclaims');
  const pods = podInformer(informers);
  pods.addIndex(INDEX, claimsOf);
  const enqueue = (claim: PersistentVolumeClaim) => queue.add(storeKey(claim));
  claims.addHandler({ added: enqueue, updated: (_, claim) => enqueue(claim) });
  const freed = (pod: Pod) => {
    for (const key of claimsOf(pod)) queue.add(key);
  };
  pods.addHandler({ updated: (_, pod) => !isHolding(pod) && freed(pod), deleted: freed });
  const resource = client.resource('persistentvolumeclaims');

  const reconcile = async (key: string) => {
    const claim = claims.store.get(key);
    if (!claim) return;
    const deed = protection(claim, FINALIZER, () => pods.store.byIndex(INDEX, key).some(isHolding));
    if (deed === 'add') await setFinalizer(resource, claim, FINALIZER, true);
    if (deed !== 'remove') return;
    // The copy may be behind: a pod that has just come would lose its claim.
    const live = await client.resource('pods').list({ namespace: claim.metadata.namespace });
    const isUsed = live.items.some((pod) => isHolding(pod) && claimsOf(pod).includes(key));
    if (!isUsed) await setFinalizer(resource, claim, FINALIZER, false);
  };
  return runQueue(context, { queue, informers: [claims, pods], workers: 1, reconcile });
}
