/**
 * Volumes for pods: which of those that there are, and which are to be made (pkg/scheduler/framework/plugins/volumebinding).
 */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { CSIStorageCapacity, StorageClass } from '@keelson/api/generated/types/storage/v1';
import {
  claimClass,
  claimNameOf,
  isFullyBound,
  isOwnClaim,
  matchingVolume,
  NO_PROVISIONER,
  reservedFor,
  SELECTED_NODE,
  volumeClass,
  volumeNodes,
} from '@keelson/api/resources/volumes';
import { selectorOfObject } from '@keelson/api/selectors/labels';
import { type Client, storeKey } from '@keelson/client';
import type { Listers } from '../framework/plugin.ts';
import { amountOf } from '../pods/requests.ts';
import { Assumed } from './assumed.ts';

/** The claims of a pod. */
export interface PodClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** Wait for the pod to have a node. */
  readonly delayed: readonly PersistentVolumeClaim[];
  /** Do not wait, and are not bound all the same. */
  readonly immediate: readonly PersistentVolumeClaim[];
  /** Volumes for those that wait, by class. */
  readonly volumes: ReadonlyMap<string, readonly PersistentVolume[]>;
}

/** What has to be written so that a pod has its volumes on a node. */
export interface PodVolumes {
  readonly bindings: readonly { readonly volume: PersistentVolume; readonly claim: PersistentVolumeClaim }[];
  readonly provisions: readonly PersistentVolumeClaim[];
}

export type VolumeProblem = 'unreachable' | 'unmatched' | 'full' | 'missing';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;

export class VolumeBinder {
  readonly #listers: Listers;
  readonly #claims: Assumed<PersistentVolumeClaim>;
  readonly #volumes: Assumed<PersistentVolume>;
  readonly #classes;
  readonly #drivers;
  readonly #capacities;

  constructor(listers: Listers) {
    this.#listers = listers;
    this.#claims = new Assumed(listers('persistentvolumeclaims'));
    this.#volumes = new Assumed(listers('persistentvolumes'));
    this.#classes = listers('storageclasses.storage.k8s.io');
    this.#drivers = listers('csidrivers.storage.k8s.io');
    this.#capacities = listers('csistoragecapacities.storage.k8s.io');
  }

  /** Why the pod cannot have its claims at all; `undefined` when it can, `'none'` when it has no claims. */
  problemOf(pod: Pod): string | 'none' | undefined {
    let found = false;
    for (const volume of pod.spec.volumes ?? []) {
      const name = claimNameOf(pod, volume);
      if (name === undefined) continue;
      found = true;
      const claim = this.#claims.actual(`${pod.metadata.namespace}/${name}`);
      if (!claim && volume.ephemeral) {
        return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
      }
      if (!claim) return `persistentvolumeclaim "${name}" not found`;
      const { status, spec, metadata } = claim;
      if (status?.phase === 'Lost') {
        return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${spec.volumeName ?? ''}"`;
      }
      if (metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`;
      if (volume.ephemeral && !isOwnClaim(pod, claim)) {
        const { namespace } = pod.metadata;
        return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`;
      }
    }
    return found ? undefined : 'none';
  }

  /** @throws Error for a claim that is gone */
  claimsOf(pod: Pod): PodClaims {
    const bound: PersistentVolumeClaim[] = [];
    const delayed: PersistentVolumeClaim[] = [];
    const immediate: PersistentVolumeClaim[] = [];
    for (const claim of this.#claimsOf(pod)) {
      if (isFullyBound(claim)) bound.push(claim);
      else if (!claim.spec.volumeName && this.#waits(claim)) delayed.push(claim);
      else immediate.push(claim);
    }
    const volumes = new Map<string, PersistentVolume[]>();
    for (const claim of delayed) volumes.set(claimClass(claim), []);
    if (delayed.length > 0) for (const volume of this.#volumes.values()) volumes.get(volumeClass(volume))?.push(volume);
    return { bound, delayed, immediate, volumes };
  }

  /** What would have to be done for the pod on a node, or why it cannot be done. */
  find({ bound, delayed, volumes }: PodClaims, node: Node): PodVolumes | readonly VolumeProblem[] {
    const reach = this.#reach(bound, node);
    const problems: VolumeProblem[] = reach === 'unreachable' ? [reach] : [];
    const last: VolumeProblem[] = reach === 'missing' ? [reach] : [];
    const done = (...more: VolumeProblem[]) => [...problems, ...more, ...last];
    const provisions: PersistentVolumeClaim[] = [];
    const open: PersistentVolumeClaim[] = [];
    for (const claim of delayed) {
      const selected = claim.metadata.annotations?.[SELECTED_NODE];
      if (selected !== undefined && selected !== node.metadata.name) return done('unmatched');
      (selected === undefined ? open : provisions).push(claim);
    }
    const bindings: PodVolumes['bindings'][number][] = [];
    const taken = new Set<string>();
    for (const claim of open.sort((a, b) => sizeOf(a) - sizeOf(b))) {
      const candidates = volumes.get(claimClass(claim)) ?? [];
      const volume = matchingVolume(claim, candidates, { taken, node, delayed: true });
      if (volume) {
        taken.add(volume.metadata.name!);
        bindings.push({ volume, claim });
      } else provisions.push(claim);
    }
    for (const claim of provisions) {
      const problem = this.#cannotProvision(claim, node);
      if (problem) return done(problem);
    }
    return problems.length + last.length > 0 ? done() : { bindings, provisions };
  }

  /** Takes volumes and claims for the pod. @returns whether nothing has to be done, and what has to be otherwise */
  assume(pod: Pod, nodeName: string, { bindings, provisions }: PodVolumes): PodVolumes | 'bound' {
    if ([...this.#claimsOf(pod)].every(isFullyBound)) return 'bound';
    const taken = bindings.map(({ volume, claim }) => ({ volume: reservedFor(volume, claim), claim }));
    for (const { volume } of taken) this.#volumes.assume(volume);
    const selected = provisions.map((claim) => withAnnotation(claim, SELECTED_NODE, nodeName));
    for (const claim of selected) this.#claims.assume(claim);
    return { bindings: taken, provisions: selected };
  }

  revert({ bindings, provisions }: PodVolumes): void {
    for (const { volume } of bindings) this.#volumes.restore(volume);
    for (const claim of provisions) this.#claims.restore(claim);
  }

  /** Writes what has to be written, and waits until others have done their part. @throws Error when they do not */
  async bind(pod: Pod, work: PodVolumes, client: Client, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const written = await this.#write(work, client, signal);
    const { clock } = client.world;
    const deadline = clock.now() + timeoutMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
      if (this.#isDone(pod, written)) return;
      if (clock.now() >= deadline) throw new Error('binding volumes: context deadline exceeded');
      await new Promise<void>((resolve) => clock.after(pause, resolve));
      signal.throwIfAborted();
    }
  }

  /** What was not written is free again. */
  async #write({ bindings, provisions }: PodVolumes, client: Client, signal: AbortSignal): Promise<PodVolumes> {
    const open = { bindings: [...bindings], provisions: [...provisions] };
    const written: { bindings: PodVolumes['bindings'][number][]; provisions: PersistentVolumeClaim[] } = {
      bindings: [],
      provisions: [],
    };
    try {
      for (const { volume, claim } of bindings) {
        const now = await client.resource('persistentvolumes').update(volume, { signal });
        written.bindings.push({ volume: now, claim });
        open.bindings.shift();
      }
      for (const claim of provisions) {
        written.provisions.push(await client.resource('persistentvolumeclaims').update(claim, { signal }));
        open.provisions.shift();
      }
      return written;
    } catch (error) {
      this.revert(open);
      throw error;
    }
  }

  /** @throws Error when it will never be */
  #isDone(pod: Pod, { bindings, provisions }: PodVolumes): boolean {
    const { nodeName = '' } = pod.spec;
    const node = this.#listers('nodes').get(nodeName);
    if (!node) throw new Error(`binding volumes: failed to get node "${nodeName}"`);
    if (!this.#listers('pods').get(storeKey(pod))) throw new Error('binding volumes: pod does not exist any more');
    for (const { volume, claim } of bindings) {
      const [pv, pvc] = [this.#volumes.actual(storeKey(volume)), this.#claims.actual(storeKey(claim))];
      if (!pv || !pvc) throw new Error(`binding volumes: volume or claim of ${claim.metadata.name} is gone`);
      if (isOlder(pv, volume)) return false;
      checkReach(pv, node);
      if (!pv.spec.claimRef?.uid) throw new Error(`binding volumes: ClaimRef got reset for pv "${pv.metadata.name}"`);
      if (!isFullyBound(pvc)) return false;
    }
    for (const claim of provisions) {
      const { name } = claim.metadata;
      const pvc = this.#claims.actual(storeKey(claim));
      if (!pvc)
        throw new Error(`binding volumes: failed to check provisioning pvc: persistentvolumeclaim "${name}" not found`);
      if (isOlder(pvc, claim)) return false;
      if (pvc.metadata.annotations?.[SELECTED_NODE] !== nodeName) {
        throw new Error(`binding volumes: provisioning failed for PVC "${name}"`);
      }
      const pv = this.#volumes.actual(pvc.spec.volumeName ?? '');
      if (pvc.spec.volumeName && !pv) return false;
      if (pv) checkReach(pv, node);
      if (!isFullyBound(pvc)) return false;
    }
    return true;
  }

  *#claimsOf(pod: Pod): Iterable<PersistentVolumeClaim> {
    for (const volume of pod.spec.volumes ?? []) {
      const name = claimNameOf(pod, volume);
      if (name === undefined) continue;
      const key = `${pod.metadata.namespace}/${name}`;
      const claim = this.#claims.get(key);
      if (!claim) throw new Error(`error getting PVC "${key}": could not find v1.PersistentVolumeClaim "${key}"`);
      yield claim;
    }
  }

  #waits(claim: PersistentVolumeClaim): boolean {
    const storageClass = this.#classes.get(claimClass(claim));
    return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  }

  #reach(claims: readonly PersistentVolumeClaim[], node: Node): VolumeProblem | undefined {
    for (const { spec } of claims) {
      const volume = this.#volumes.get(spec.volumeName!);
      if (!volume) return 'missing';
      if (!volumeNodes(volume)(node)) return 'unreachable';
    }
    return undefined;
  }

  #cannotProvision(claim: PersistentVolumeClaim, node: Node): VolumeProblem | undefined {
    const className = claimClass(claim);
    if (className === '') throw new Error(`no class for claim "${storeKey(claim)}"`);
    const storageClass = this.#classes.get(className);
    if (!storageClass) throw new Error(`failed to find storage class "${className}"`);
    const { provisioner } = storageClass;
    if (!provisioner || provisioner === NO_PROVISIONER || !allowsTopology(storageClass, node)) return 'unmatched';
    return this.#hasCapacity(claim, storageClass, node) ? undefined : 'full';
  }

  #hasCapacity(claim: PersistentVolumeClaim, { metadata, provisioner }: StorageClass, node: Node): boolean {
    if (claim.spec.resources?.requests?.storage === undefined) return true;
    if (!this.#drivers.get(provisioner)?.spec.storageCapacity) return true;
    const size = sizeOf(claim);
    for (const capacity of this.#capacities.values()) {
      if (capacity.storageClassName !== metadata.name || largestVolume(capacity) < size) continue;
      if (capacity.nodeTopology && selectorOfObject(capacity.nodeTopology).matches(node.metadata.labels ?? {}))
        return true;
    }
    return false;
  }
}

/** In bytes; less than nothing where it is not known. */
export function largestVolume({ maximumVolumeSize, capacity }: CSIStorageCapacity): number {
  const size = maximumVolumeSize ?? capacity;
  return size === undefined ? -1 : amountOf('storage', size);
}

function sizeOf({ spec }: PersistentVolumeClaim): number {
  return amountOf('storage', spec.resources?.requests?.storage ?? '0');
}

function allowsTopology({ allowedTopologies = [] }: StorageClass, { metadata: { labels = {} } }: Node): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) => {
    if (matchLabelExpressions.length === 0) return false;
    return matchLabelExpressions.every(({ key, values }) => {
      const label = labels[key];
      return label !== undefined && (values ?? []).includes(label);
    });
  });
}

function withAnnotation(claim: PersistentVolumeClaim, name: string, value: string): PersistentVolumeClaim {
  const annotations = { ...claim.metadata.annotations, [name]: value };
  return { ...claim, metadata: { ...claim.metadata, annotations } };
}

/** Whether what informers know is from before it was written. */
function isOlder(
  actual: { metadata: { resourceVersion?: string } },
  written: { metadata: { resourceVersion?: string } },
): boolean {
  return BigInt(actual.metadata.resourceVersion ?? '0') < BigInt(written.metadata.resourceVersion ?? '0');
}

function checkReach(volume: PersistentVolume, node: Node): void {
  if (volumeNodes(volume)(node)) return;
  const names = `pv "${volume.metadata.name}" node affinity doesn't match node "${node.metadata.name}"`;
  throw new Error(`binding volumes: ${names}: no matching NodeSelectorTerms`);
}
