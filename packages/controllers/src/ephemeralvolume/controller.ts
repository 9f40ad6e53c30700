/** Makes the claims of volumes that live as long as their pod (pkg/controller/volume/ephemeral). */
import type { PersistentVolumeClaim, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { isControlledBy, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { Families } from '../metrics.ts';
import { podInformer } from '../pods/informer.ts';
import { runQueue, workersOf } from '../work.ts';

const hasEphemeral = ({ spec }: Pod) => (spec.volumes ?? []).some(({ ephemeral }) => ephemeral);

/** The claim of a volume, owned by its pod. */
export function claimFor({ metadata }: Pod, { name: volume, ephemeral }: Volume) {
  const { namespace, name = '', uid = '' } = metadata;
  const { metadata: template = {}, spec } = ephemeral!.volumeClaimTemplate!;
  const owner = { apiVersion: 'v1', kind: 'Pod', name, uid, controller: true, blockOwnerDeletion: true };
  const { labels, annotations } = template;
  return {
    metadata: {
      namespace,
      name: `${name}-${volume}`,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ownerReferences: [owner],
    },
    spec,
  };
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('ephemeral_volume');
  const queue = new WorkQueue<string>(world, 'ephemeral_volume');
  const families = new Families('ephemeral_volume_controller', context.metrics);
  const creations = families.counter('create_total', 'ALPHA', 'Claims that were to be made.');
  const failures = families.counter('create_failures_total', 'ALPHA', 'Those that could not be.');
  const pods = podInformer(informers);
  const claims = informers.informer('persistentvolumeclaims');
  pods.addHandler({
    added: (pod) => !pod.metadata.deletionTimestamp && hasEphemeral(pod) && queue.add(storeKey(pod)),
  });
  const lost = ({ metadata }: PersistentVolumeClaim) => {
    const owner = metadata.ownerReferences?.find(({ controller, kind }) => controller && kind === 'Pod');
    if (owner) queue.add(`${metadata.namespace}/${owner.name}`);
  };
  claims.addHandler({ deleted: lost });

  const reconcile = async (key: string) => {
    const pod = pods.store.get(key);
    if (!pod || pod.metadata.deletionTimestamp || !hasEphemeral(pod)) return;
    for (const volume of (pod.spec.volumes ?? []).filter(({ ephemeral }) => ephemeral)) {
      const claim = claimFor(pod, volume);
      const existing = claims.store.get(`${claim.metadata.namespace}/${claim.metadata.name}`);
      try {
        if (!existing) {
          creations.with().inc();
          await client
            .resource('persistentvolumeclaims')
            .create(claim)
            .catch((error: unknown) => {
              failures.with().inc();
              throw error;
            });
        }
        if (existing && !isControlledBy(existing, pod)) {
          throw new Error(
            `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${key} (pod is not owner)`,
          );
        }
      } catch (error) {
        const message = `ephemeral volume ${volume.name}: ${(error as Error).message}`;
        recorder.event(pod, 'Warning', 'EphemeralVolumeCreationFailed', message);
        throw error;
      }
    }
  };
  const workers = workersOf(context, 'ephemeral-volume-controller', 5);
  return runQueue(context, { queue, informers: [pods, claims], workers, reconcile });
}
