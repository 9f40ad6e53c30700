/** Waits until volumes are attached to the node, as the node's status and their attachments say (csi_attacher.go, operation_generator.go). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import { attachmentName } from '@keelson/api/resources/attachments';
import { type CsiContext, failure, type Step } from './context.ts';
import type { HeldVolume } from './held.ts';
import type { CsiVolume } from './volume.ts';

export interface AttachmentsOptions extends CsiContext {
  /** As it was seen last. */
  node(): Node | undefined;
  /** A pod has something to wait for no more. */
  wake(uid: string): void;
}

/** A pod waits so long for its volumes to be attached before it is asked why. */
const ATTACH_WITHIN_MS = 123_000;
/** Of gRPC. */
const RESOURCE_EXHAUSTED = 8;

/** It goes on by itself, and nobody has to be told. */
export class Waiting extends Error {
  override readonly name = 'Waiting';
}

/** It waits in vain: the node has as many volumes of the driver as it can have. */
export class NodeFull extends Waiting {}

export class Attachments {
  readonly #options: AttachmentsOptions;
  /** Pods that wait for the status of the node, by uid. */
  readonly #waiting = new Set<string>();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  /** The node is another: what was waited for may have come. */
  nodeChanged(): void {
    for (const uid of this.#waiting) this.#options.wake(uid);
    this.#waiting.clear();
  }

  forget(uid: string): void {
    this.#waiting.delete(uid);
  }

  /** @returns what the driver's controller says of the volume that it has attached. @throws Waiting, PreparationError */
  async of(held: HeldVolume, volume: CsiVolume, uid: string): Promise<Step['attached']> {
    const { node, client, nodeName } = this.#options;
    this.#waiting.add(uid);
    if (!isInUse(node(), held.key)) {
      throw new Waiting("Volume has not been added to the list of VolumesInUse in the node's volume status");
    }
    if (!isReported(node(), held.key)) {
      const message = `volume ${held.key} is not yet in node's status`;
      throw (await this.#isInVain(held, volume, uid)) ? new NodeFull(message) : new Waiting(message);
    }
    // Whoever detaches looks at one after the other has changed: both have to be seen in one and the newest state.
    const newest = await client.resource('nodes').get({ name: nodeName });
    if (!isInUse(newest, held.key) || !isReported(newest, held.key)) {
      throw new Waiting('Volume not attached according to node status');
    }
    this.#waiting.delete(uid);
    held.users.get(uid)!.waitsSince = undefined;
    return this.#metadataOf(volume).catch((error) => {
      throw failure(`${volume.isBlock ? 'MapVolume' : 'MountVolume'}.WaitForAttach failed`, volume, error);
    });
  }

  async #metadataOf(volume: CsiVolume): Promise<Step['attached']> {
    const { handle } = volume;
    const name = attachmentName(volume, this.#options.nodeName);
    const { metadata, status } = await this.#attachment(name).catch((error: Error) => {
      const problem = `volume ${handle} has GET error for volume attachment ${name}: ${error.message}`;
      throw new Error(problem, { cause: error });
    });
    if (metadata.deletionTimestamp) throw new Error('volume attachment is being deleted');
    if (status?.attached) return status.attachmentMetadata ?? {};
    if (status?.attachError) throw new Error(status.attachError.message ?? '');
    throw new Error(`volume ${handle} is not attached for volume attachment ${name}`);
  }

  #attachment(name: string) {
    return this.#options.client.resource('volumeattachments.storage.k8s.io').get({ name });
  }

  /** Drivers that tell how many volumes a node can have are asked again when they could not attach one. */
  async #isInVain(held: HeldVolume, volume: CsiVolume, uid: string): Promise<boolean> {
    const { client, csiDriver, drivers, nodeName } = this.#options;
    const { clock, log } = client.world;
    const user = held.users.get(uid)!;
    user.waitsSince ??= clock.now();
    if (clock.now() - user.waitsSince < ATTACH_WITHIN_MS) return false;
    user.waitsSince = clock.now();
    if (!(await csiDriver(volume.driver))?.spec.nodeAllocatableUpdatePeriodSeconds) return false;
    const attachment = await this.#attachment(attachmentName(volume, nodeName)).catch(() => undefined);
    if (attachment?.status?.attachError?.errorCode !== RESOURCE_EXHAUSTED) return false;
    await drivers
      .refresh(volume.driver)
      .catch((error) => log.error({ driver: volume.driver, error }, 'How many volumes it can have was not told'));
    return true;
  }
}

function isInUse(node: Node | undefined, key: string): boolean {
  return node?.status?.volumesInUse?.includes(key) ?? false;
}

function isReported(node: Node | undefined, key: string): boolean {
  return node?.status?.volumesAttached?.some(({ name }) => name === key) ?? false;
}
