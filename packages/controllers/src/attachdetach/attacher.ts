import type { AttachedVolume, Node, PersistentVolume, Pod } from '@keelson/api/generated/types/core/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { attachmentName, type DriverVolume, parseUniqueName } from '@keelson/api/resources/attachments';
import { type Again, hasReason } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { departure, isMounted, isReported, isShared, multiAttachError } from './decide.ts';
import type { Desired } from './desired.ts';
import type { AttachMetrics } from './metrics.ts';
import { attachedTo, nodesWith, type Stores, VOLUME } from './places.ts';

/** A driver has so long to attach a volume before it is complained of. */
const ATTACH_WITHIN_MS = 2 * 60_000;

interface AttacherOptions {
  readonly context: ControllerContext;
  readonly desired: Desired;
  readonly stores: Stores;
  readonly metrics: AttachMetrics;
  /** Has the status of a node looked at. */
  report(node: string): void;
}

/** What is remembered of a volume on a node. Without it things are told or waited for once more. */
interface Memory {
  /** Since when the driver is waited for; milliseconds since 1970. */
  attachingSince?: number;
  /** Since when nobody wants it there. */
  unwantedSince?: number;
  /** It is to be detached, and so not reported. */
  isLeaving?: boolean;
  /** The last of its events. */
  told?: string;
}

export class Attacher {
  readonly #context: ControllerContext;
  readonly #desired: Desired;
  readonly #stores: Stores;
  readonly #metrics: AttachMetrics;
  readonly #report: (node: string) => void;
  readonly #recorder;
  /** By volume and node. */
  readonly #memories = new Map<string, Map<string, Memory>>();

  constructor({ context, desired, stores, metrics, report }: AttacherOptions) {
    this.#context = context;
    this.#desired = desired;
    this.#stores = stores;
    this.#metrics = metrics;
    this.#report = report;
    this.#recorder = context.recorder('attachdetach-controller');
  }

  /** Looks at one volume on all nodes: those that are to lose it first. */
  async reconcile(name: string): Promise<Again | undefined> {
    const volume = parseUniqueName(name);
    if (!volume) return undefined;
    const users = this.#desired.usersOf(name);
    const waits: (number | undefined)[] = [];
    for (const node of new Set([...nodesWith(this.#stores, name), ...(this.#memories.get(name)?.keys() ?? [])])) {
      if (!users.has(node)) waits.push(await this.#leave(name, volume, node));
    }
    for (const [node, pods] of users) waits.push(await this.#come(name, volume, node, pods));
    const afterMs = Math.min(...waits.filter((wait) => wait !== undefined));
    return Number.isFinite(afterMs) ? { afterMs } : undefined;
  }

  /** Tells a kubelet which volumes it may mount. Those of other plugins are left as they are. */
  async report(name: string): Promise<void> {
    const node = this.#stores.nodes.get(name);
    if (!node) return;
    const reported = node.status?.volumesAttached ?? [];
    const names = new Set([...reported.map((each) => each.name), ...attachedTo(this.#stores, name)]);
    const wanted: AttachedVolume[] = [...names]
      .filter((each) => this.#mayMount(each, name))
      .map((each) => reported.find((known) => known.name === each) ?? { name: each, devicePath: '' });
    if (wanted.length === reported.length && wanted.every((each, i) => each.name === reported[i]!.name)) return;
    const patch = { status: { volumesAttached: wanted.length > 0 ? wanted : null } };
    await this.#context.client.resource('nodes').patch({ name }, 'merge', patch, { subresource: 'status' });
  }

  #mayMount(name: string, node: string): boolean {
    const volume = parseUniqueName(name);
    if (!volume) return true;
    const { metadata, status } = this.#attachment(volume, node) ?? {};
    const isThere = status?.attached === true && !metadata?.deletionTimestamp;
    return isThere && !this.#memories.get(name)?.get(node)?.isLeaving;
  }

  #attachment(volume: DriverVolume, node: string): VolumeAttachment | undefined {
    return this.#stores.attachments.get(attachmentName(volume, node));
  }

  #memory(name: string, node: string): Memory {
    const ofVolume = this.#memories.get(name) ?? new Map<string, Memory>();
    this.#memories.set(name, ofVolume);
    const memory = ofVolume.get(node) ?? {};
    ofVolume.set(node, memory);
    return memory;
  }

  #forget(name: string, node: string): void {
    const ofVolume = this.#memories.get(name);
    ofVolume?.delete(node);
    if (ofVolume?.size === 0) this.#memories.delete(name);
  }

  /** @returns milliseconds after which to look again */
  async #leave(name: string, volume: DriverVolume, nodeName: string): Promise<number | undefined> {
    const { world, settings } = this.#context;
    const attachment = this.#attachment(volume, nodeName);
    const node = this.#stores.nodes.get(nodeName);
    const memory = this.#memory(name, nodeName);
    const now = world.clock.now();
    memory.unwantedSince ??= now;
    const waitedMs = now - memory.unwantedSince;
    const next = departure({ name, attachment, node, waitedMs, mayForce: settings.forceDetach });
    switch (next.type) {
      case 'gone':
        this.#forget(name, nodeName);
        return undefined;
      case 'wait':
        return next.afterMs;
      case 'unreport':
        // The node's copy brings it here again.
        memory.isLeaving = true;
        this.#report(nodeName);
        return undefined;
      case 'detach':
        memory.isLeaving = true;
        if (!attachment || attachment.metadata.deletionTimestamp) return undefined;
        if (!next.forced) await this.#verifyUnmounted(name, nodeName);
        await this.#detach(attachment);
        if (next.forced) this.#metrics.forced(next.forced);
        return undefined;
    }
  }

  async #detach({ metadata }: VolumeAttachment): Promise<void> {
    try {
      await this.#context.client.resource('volumeattachments.storage.k8s.io').delete({ name: metadata.name! });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }

  /** @throws Error when the node, as the server has it, uses the volume */
  async #verifyUnmounted(volume: string, name: string): Promise<void> {
    let node: Node;
    try {
      node = await this.#context.client.resource('nodes').get({ name });
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      throw error;
    }
    if (isMounted(volume, node)) {
      const reason = 'volume is still in use by node, according to Node status';
      throw new Error(`DetachVolume failed for volume "${volume}" on node "${name}" : ${reason}`);
    }
  }

  async #come(name: string, volume: DriverVolume, node: string, pods: readonly Pod[]): Promise<number | undefined> {
    const memory = this.#memory(name, node);
    memory.unwantedSince = undefined;
    if (memory.isLeaving) {
      memory.isLeaving = false;
      this.#report(node);
    }
    const [persistent] = this.#stores.volumes.byIndex(VOLUME, name);
    if (!persistent) return undefined;
    const attachment = this.#attachment(volume, node);
    if (attachment) return this.#awaitDriver(name, volume, attachment, persistent, pods);
    if (!isShared(persistent)) {
      const others = nodesWith(this.#stores, name).filter((other) => other !== node && this.#attachment(volume, other));
      if (others.length > 0) {
        this.#tellOfOthers(name, volume, node, others, persistent, pods);
        return undefined;
      }
    }
    memory.attachingSince = this.#context.world.clock.now();
    memory.told = undefined;
    await this.#attach(volume, node, persistent, pods);
    return ATTACH_WITHIN_MS;
  }

  async #attach(volume: DriverVolume, nodeName: string, { metadata }: PersistentVolume, pods: readonly Pod[]) {
    const persistentVolumeName = metadata.name!;
    const attachment = {
      metadata: { name: attachmentName(volume, nodeName) },
      spec: { attacher: volume.driver, nodeName, source: { persistentVolumeName } },
    };
    try {
      await this.#context.client.resource('volumeattachments.storage.k8s.io').create(attachment);
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) return;
      const reason = `kubernetes.io/csi: attacher.Attach failed: ${(error as Error).message}`;
      this.#tell(pods, 'Warning', failed(persistentVolumeName, reason));
      throw error;
    }
  }

  #awaitDriver(
    name: string,
    volume: DriverVolume,
    { metadata, spec, status }: VolumeAttachment,
    persistent: PersistentVolume,
    pods: readonly Pod[],
  ): number | undefined {
    const memory = this.#memory(name, spec.nodeName);
    const now = this.#context.world.clock.now();
    const title = persistent.metadata.name!;
    const complain = (reason: string) => this.#tellOnce(memory, pods, 'Warning', failed(title, reason));
    if (metadata.deletionTimestamp) {
      complain('volume attachment is being deleted');
      return undefined;
    }
    if (status?.attached) {
      memory.attachingSince = undefined;
      const message = `AttachVolume.Attach succeeded for volume "${title}" `;
      if (!isReported(name, this.#stores.nodes.get(spec.nodeName))) this.#tellOnce(memory, pods, 'Normal', message);
      return undefined;
    }
    if (status?.attachError) {
      complain(status.attachError.message ?? '');
      return undefined;
    }
    memory.attachingSince ??= now;
    const left = memory.attachingSince + ATTACH_WITHIN_MS - now;
    if (left > 0) return left;
    memory.attachingSince = now;
    memory.told = undefined;
    const { driver, handle } = volume;
    complain(`timed out waiting for external-attacher of ${driver} CSI driver to attach volume ${handle}`);
    return ATTACH_WITHIN_MS;
  }

  /** Of a volume that comes or goes on another node nothing is told: that does not last. */
  #tellOfOthers(
    name: string,
    volume: DriverVolume,
    node: string,
    others: readonly string[],
    { metadata }: PersistentVolume,
    pods: readonly Pod[],
  ): void {
    const memory = this.#memory(name, node);
    if (memory.told || !others.some((other) => this.#attachment(volume, other)?.status?.attached)) return;
    const all = this.#desired.usersOf(name);
    const users = others.flatMap((other) => all.get(other) ?? []).map((pod) => pod.metadata);
    for (const pod of pods) {
      const message = multiAttachError(metadata.name!, pod.metadata.namespace, users);
      this.#tell([pod], 'Warning', message);
      memory.told = message;
    }
  }

  #tellOnce(memory: Memory, pods: readonly Pod[], type: 'Normal' | 'Warning', message: string): void {
    if (memory.told === message) return;
    memory.told = message;
    this.#tell(pods, type, message);
  }

  #tell(pods: readonly Pod[], type: 'Normal' | 'Warning', message: string): void {
    const reason = type === 'Normal' ? 'SuccessfulAttachVolume' : 'FailedAttachVolume';
    for (const pod of pods) this.#recorder.event(pod, type, reason, message);
  }
}

function failed(volume: string, reason: string): string {
  return `AttachVolume.Attach failed for volume "${volume}" : ${reason}`;
}
