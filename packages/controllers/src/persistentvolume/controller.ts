/** Brings claims and volumes together (pkg/controller/volume/persistentvolume). docs/controllers.md */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import { defaultStorageClassOf } from '@keelson/api/resources/default-classes';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  claimNameOf,
  reservedFor,
  volumeClass,
} from '@keelson/api/resources/volumes';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import { together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { podInformer } from '../pods/informer.ts';
import { sameAs } from '../status.ts';
import { runQueue } from '../work.ts';
import { decideClaim, decideVolume, reclaim, type Told } from './decide.ts';
import { VolumeMetrics } from './metrics.ts';

const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const OLD_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('persistentvolume-controller');
  const claims = informers.informer('persistentvolumeclaims');
  const volumes = informers.informer('persistentvolumes');
  const metrics = new VolumeMetrics(context.metrics, world.clock, { claims: claims.store, volumes: volumes.store });
  const classes = informers.informer('storageclasses.storage.k8s.io');
  const pods = podInformer(informers);
  const claimQueue = new WorkQueue<string>(world, 'claims');
  const volumeQueue = new WorkQueue<string>(world, 'volumes');
  const pending = () => {
    for (const claim of claims.store.values()) if (claim.status?.phase === 'Pending') claimQueue.add(storeKey(claim));
  };
  const aboutClaim = (claim: PersistentVolumeClaim) => {
    claimQueue.add(storeKey(claim));
    if (claim.spec.volumeName) volumeQueue.add(claim.spec.volumeName);
  };
  const aboutVolume = (volume: PersistentVolume) => {
    volumeQueue.add(volume.metadata.name!);
    const { claimRef } = volume.spec;
    if (claimRef?.name) claimQueue.add(`${claimRef.namespace}/${claimRef.name}`);
    else pending();
  };
  claims.addHandler({ added: aboutClaim, updated: (_, claim) => aboutClaim(claim), deleted: aboutClaim });
  const volumeGone = (volume: PersistentVolume) => {
    metrics.ended(volume.metadata.name!);
    aboutVolume(volume);
  };
  volumes.addHandler({ added: aboutVolume, updated: (_, volume) => aboutVolume(volume), deleted: volumeGone });
  classes.addHandler({ added: pending, updated: pending });
  const waits = (pod: Pod) => {
    for (const volume of pod.spec.nodeName ? [] : (pod.spec.volumes ?? [])) {
      const name = claimNameOf(pod, volume);
      if (name !== undefined) claimQueue.add(`${pod.metadata.namespace}/${name}`);
    }
  };
  pods.addHandler({ added: waits });
  const [claimResource, volumeResource] = [
    client.resource('persistentvolumeclaims'),
    client.resource('persistentvolumes'),
  ];
  const tell = (object: PersistentVolume | PersistentVolumeClaim, { type, reason, message }: Told) =>
    recorder.event(object, type, reason, message);

  const setPhase = async (volume: PersistentVolume, phase: string, message = '') => {
    if (volume.status?.phase === phase && (volume.status.message ?? '') === message) return volume;
    return volumeResource.updateStatus({
      ...volume,
      status: { ...volume.status, phase, ...(message ? { message } : {}) },
    });
  };
  const setClaimStatus = async (claim: PersistentVolumeClaim, status: NonNullable<PersistentVolumeClaim['status']>) => {
    const wanted = { ...claim.status, ...status };
    if (sameAs('io.k8s.api.core.v1.PersistentVolumeClaimStatus', claim.status ?? {}, wanted)) return;
    await claimResource.updateStatus({ ...claim, status: wanted });
  };

  /** Step by step, each of which may have been done before: the volume is reserved, then the claim is told. */
  const bind = async (volume: PersistentVolume, claim: PersistentVolumeClaim) => {
    const reserved = reservedFor(volume, claim);
    const written = reserved === volume ? volume : await volumeResource.update(reserved);
    await setPhase(written, 'Bound');
    const { annotations = {} } = claim.metadata;
    const chosen = !claim.spec.volumeName;
    const isTold = !chosen && annotations[BIND_COMPLETED] !== undefined;
    const told = isTold
      ? claim
      : await claimResource.update({
          ...claim,
          metadata: {
            ...claim.metadata,
            annotations: {
              ...annotations,
              ...(chosen ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}),
              [BIND_COMPLETED]: 'yes',
            },
          },
          spec: { ...claim.spec, volumeName: volume.metadata.name! },
        });
    const { accessModes, capacity } = volume.spec;
    await setClaimStatus(told, {
      phase: 'Bound',
      ...(accessModes ? { accessModes } : {}),
      // What it was enlarged to since, the claim says itself.
      ...(capacity && !told.status?.capacity ? { capacity } : {}),
    });
  };

  const reconcileClaim = async (key: string) => {
    const claim = claims.store.get(key);
    if (!claim) return;
    const waitingPods = () =>
      pods.store
        .list(claim.metadata.namespace)
        .filter(
          (pod) =>
            !pod.spec.nodeName && (pod.spec.volumes ?? []).some((v) => claimNameOf(pod, v) === claim.metadata.name),
        )
        .map(({ metadata }) => metadata.name!);
    const storageClass = (name: string) => classes.store.get(name);
    const defaultClass = () => defaultStorageClassOf(classes.store.list());
    const decision = decideClaim(claim, { volumes: volumes.store.list(), storageClass, defaultClass, waitingPods });
    switch (decision.deed) {
      case 'bind':
        return metrics.ending(key, () => bind(decision.volume, claim));
      case 'classify': {
        const spec = { ...claim.spec, storageClassName: decision.className };
        return metrics.classified(() => claimResource.update({ ...claim, spec }));
      }
      case 'fail':
        tell(claim, decision.event);
        throw new Error(decision.event.message);
      case 'lose':
        if (claim.status?.phase !== 'Lost') tell(claim, decision.event);
        return setClaimStatus(claim, { phase: 'Lost' });
      case 'provision': {
        const { provisioner, event } = decision;
        metrics.began(key, provisioner, 'provision');
        const annotations = {
          ...claim.metadata.annotations,
          [PROVISIONER]: provisioner,
          [OLD_PROVISIONER]: provisioner,
        };
        if (claim.metadata.annotations?.[PROVISIONER] !== provisioner) {
          await claimResource.update({ ...claim, metadata: { ...claim.metadata, annotations } });
        }
        tell(claim, event);
        return;
      }
      case 'wait':
        if (decision.event) tell(claim, decision.event);
        return setClaimStatus(claim, { phase: 'Pending' });
    }
  };

  const claimOf = async ({ spec: { claimRef }, status }: PersistentVolume) => {
    const { namespace, name, uid } = claimRef ?? {};
    if (!name || !uid) return undefined;
    let claim = claims.store.get(`${namespace}/${name}`);
    const isOver = status?.phase === 'Released' || status?.phase === 'Failed';
    // The copy may be behind: what would follow from its absence cannot be undone.
    if (!claim && !isOver) {
      claim = await claimResource.get({ namespace, name }).catch((error: unknown) => {
        if (hasReason(error, 'NotFound')) return undefined;
        throw error;
      });
    }
    return claim?.metadata.uid === uid ? claim : undefined;
  };

  const reconcileVolume = async (name: string) => {
    const volume = volumes.store.get(name);
    if (!volume) return;
    const decision = decideVolume(volume, await claimOf(volume));
    switch (decision.deed) {
      case 'phase':
        await setPhase(volume, decision.phase);
        return;
      case 'release': {
        const phase = volume.status?.phase;
        if (volume.spec.persistentVolumeReclaimPolicy === 'Delete') {
          metrics.began(name, classes.store.get(volumeClass(volume))?.provisioner ?? 'N/A', 'delete');
        }
        const released = phase === 'Released' || phase === 'Failed' ? volume : await setPhase(volume, 'Released');
        const problem = reclaim(released);
        if (problem) metrics.failed(name);
        if (!problem || phase === 'Failed') return;
        tell(released, problem);
        await setPhase(released, 'Failed', problem.message);
        return;
      }
      case 'unbind': {
        const { [BOUND_BY_CONTROLLER]: byController, ...annotations } = volume.metadata.annotations ?? {};
        const { claimRef, ...spec } = volume.spec;
        const { uid: _, resourceVersion: __, ...named } = claimRef ?? {};
        const free = byController === undefined ? { ...spec, claimRef: named } : spec;
        await volumeResource.update({ ...volume, metadata: { ...volume.metadata, annotations }, spec: free });
        return;
      }
    }
  };
  const all = [claims, volumes, classes, pods];
  return together([
    runQueue(context, { queue: claimQueue, informers: all, workers: 1, reconcile: reconcileClaim }),
    runQueue(context, { queue: volumeQueue, informers: all, workers: 1, reconcile: reconcileVolume }),
  ]);
}
