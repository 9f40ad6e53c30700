/**
 * Brings claims and volumes together (pkg/controller/volume/persistentvolume): decide.ts decides, writer.ts does it.
 * docs/controllers.md
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import { defaultStorageClassOf } from '@keelson/api/resources/default-classes';
import { claimNameOf, volumeClass } from '@keelson/api/resources/volumes';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { podInformer } from '../pods/informer.ts';
import { runQueue } from '../work.ts';
import { decideClaim, decideVolume, reclaim, type Surroundings, type Told } from './decide.ts';
import { VolumeMetrics } from './metrics.ts';
import { VolumeWriter } from './writer.ts';

export async function start(context: ControllerContext): Promise<Running> {
  const controller = new VolumeController(context);
  const { informers } = controller;
  return together([
    runQueue(context, {
      queue: controller.claimQueue,
      informers,
      workers: 1,
      reconcile: (key) => controller.reconcileClaim(key),
    }),
    runQueue(context, {
      queue: controller.volumeQueue,
      informers,
      workers: 1,
      reconcile: (name) => controller.reconcileVolume(name),
    }),
  ]);
}

class VolumeController {
  readonly claimQueue: WorkQueue<string>;
  readonly volumeQueue: WorkQueue<string>;
  readonly #claimResource;
  readonly #recorder;
  readonly #claims;
  readonly #volumes;
  readonly #classes;
  readonly #pods;
  readonly #metrics: VolumeMetrics;
  readonly #writer: VolumeWriter;

  constructor(context: ControllerContext) {
    const { client, informers, world } = context;
    this.#claimResource = client.resource('persistentvolumeclaims');
    this.#recorder = context.recorder('persistentvolume-controller');
    this.#claims = informers.informer('persistentvolumeclaims');
    this.#volumes = informers.informer('persistentvolumes');
    this.#classes = informers.informer('storageclasses.storage.k8s.io');
    this.#pods = podInformer(informers);
    this.#metrics = new VolumeMetrics(context.metrics, world.clock, {
      claims: this.#claims.store,
      volumes: this.#volumes.store,
    });
    this.#writer = new VolumeWriter(client);
    this.claimQueue = new WorkQueue<string>(world, 'claims');
    this.volumeQueue = new WorkQueue<string>(world, 'volumes');
    this.#listen();
  }

  get informers() {
    return [this.#claims, this.#volumes, this.#classes, this.#pods];
  }

  #listen(): void {
    const aboutClaim = (claim: PersistentVolumeClaim) => {
      this.claimQueue.add(storeKey(claim));
      if (claim.spec.volumeName) this.volumeQueue.add(claim.spec.volumeName);
    };
    this.#claims.addHandler({ added: aboutClaim, updated: (_, claim) => aboutClaim(claim), deleted: aboutClaim });
    this.#volumes.addHandler({
      added: (volume) => this.#aboutVolume(volume),
      updated: (_, volume) => this.#aboutVolume(volume),
      deleted: (volume) => {
        this.#metrics.ended(volume.metadata.name!);
        this.#aboutVolume(volume);
      },
    });
    this.#classes.addHandler({ added: () => this.#pending(), updated: () => this.#pending() });
    this.#pods.addHandler({ added: (pod) => this.#waits(pod) });
  }

  #aboutVolume(volume: PersistentVolume): void {
    this.volumeQueue.add(volume.metadata.name!);
    const { claimRef } = volume.spec;
    if (claimRef?.name) this.claimQueue.add(`${claimRef.namespace}/${claimRef.name}`);
    else this.#pending();
  }

  #pending(): void {
    for (const claim of this.#claims.store.values()) {
      if (claim.status?.phase === 'Pending') this.claimQueue.add(storeKey(claim));
    }
  }

  #waits(pod: Pod): void {
    for (const volume of pod.spec.nodeName ? [] : (pod.spec.volumes ?? [])) {
      const name = claimNameOf(pod, volume);
      if (name !== undefined) this.claimQueue.add(`${pod.metadata.namespace}/${name}`);
    }
  }

  async reconcileClaim(key: string): Promise<void> {
    const claim = this.#claims.store.get(key);
    if (!claim) return;
    const decision = decideClaim(claim, this.#around(claim));
    switch (decision.deed) {
      case 'bind':
        return this.#metrics.ending(key, () => this.#writer.bind(decision.volume, claim));
      case 'classify':
        return this.#metrics.classified(() => this.#writer.classify(claim, decision.className));
      case 'fail':
        this.#tell(claim, decision.event);
        throw new Error(decision.event.message);
      case 'lose':
        if (claim.status?.phase !== 'Lost') this.#tell(claim, decision.event);
        return this.#writer.setClaimStatus(claim, { phase: 'Lost' });
      case 'provision':
        this.#metrics.began(key, decision.provisioner, 'provision');
        await this.#writer.askFor(claim, decision.provisioner);
        return this.#tell(claim, decision.event);
      case 'wait':
        if (decision.event) this.#tell(claim, decision.event);
        return this.#writer.setClaimStatus(claim, { phase: 'Pending' });
    }
  }

  #around({ metadata: { namespace, name } }: PersistentVolumeClaim): Surroundings {
    const uses = (pod: Pod) => (pod.spec.volumes ?? []).some((volume) => claimNameOf(pod, volume) === name);
    return {
      volumes: this.#volumes.store.list(),
      storageClass: (each) => this.#classes.store.get(each),
      defaultClass: () => defaultStorageClassOf(this.#classes.store.list()),
      waitingPods: () => {
        const waiting = this.#pods.store.list(namespace).filter((pod) => !pod.spec.nodeName && uses(pod));
        return waiting.map((pod) => pod.metadata.name!);
      },
    };
  }

  async reconcileVolume(name: string): Promise<void> {
    const volume = this.#volumes.store.get(name);
    if (!volume) return;
    const decision = decideVolume(volume, await this.#claimOf(volume));
    switch (decision.deed) {
      case 'phase':
        await this.#writer.setPhase(volume, decision.phase);
        return;
      case 'release':
        return this.#release(name, volume);
      case 'unbind':
        return this.#writer.unbind(volume);
    }
  }

  async #claimOf({ spec: { claimRef }, status }: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { namespace, name, uid } = claimRef ?? {};
    if (!name || !uid) return undefined;
    let claim = this.#claims.store.get(`${namespace}/${name}`);
    const isOver = status?.phase === 'Released' || status?.phase === 'Failed';
    // The copy may be behind: what would follow from its absence cannot be undone.
    if (!claim && !isOver) {
      claim = await this.#claimResource.get({ namespace, name }).catch((error: unknown) => {
        if (hasReason(error, 'NotFound')) return undefined;
        throw error;
      });
    }
    return claim?.metadata.uid === uid ? claim : undefined;
  }

  async #release(name: string, volume: PersistentVolume): Promise<void> {
    const phase = volume.status?.phase;
    if (volume.spec.persistentVolumeReclaimPolicy === 'Delete') {
      this.#metrics.began(name, this.#classes.store.get(volumeClass(volume))?.provisioner ?? 'N/A', 'delete');
    }
    const isOver = phase === 'Released' || phase === 'Failed';
    const released = isOver ? volume : await this.#writer.setPhase(volume, 'Released');
    const problem = reclaim(released);
    if (problem) this.#metrics.failed(name);
    if (!problem || phase === 'Failed') return;
    this.#tell(released, problem);
    await this.#writer.setPhase(released, 'Failed', problem.message);
  }

  #tell(object: PersistentVolume | PersistentVolumeClaim, { type, reason, message }: Told): void {
    this.#recorder.event(object, type, reason, message);
  }
}
