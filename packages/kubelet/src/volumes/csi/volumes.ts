/**
 * The volumes of drivers on this node: mounts them for pods, takes them away again, and says which are in use. What one volume needs
 * is done one thing after the other; docs/kubelet.md draws it.
 */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { unlessAborted } from '@keelson/component/promises';
import { PreparationError } from '../../pods/services.ts';
import { uidOf } from '../../pods/spec.ts';
import { operationPause } from '../../retry.ts';
import { showDevice, tellOfDevice } from '../block.ts';
import type { BoundClaim } from '../claims.ts';
import type { MountedVolume } from '../manager.ts';
import { Attachments, type AttachmentsOptions } from './attachments.ts';
import { type CsiContext, failure, type Step } from './context.ts';
import { placesOf, publishDevice, stageDevice, unpublishDevice, unstageDevice } from './devices.ts';
import { isFinal } from './driver.ts';
import { keepSize } from './growth.ts';
import { type HeldVolume, HeldVolumes, type Progress } from './held.ts';
import type { StorageOperation, StorageOperations } from './metrics.ts';
import { publish, stage, unpublish, unstage } from './mounting.ts';
import { isAttachable } from './policy.ts';
import { leftovers } from './reconstruction.ts';
import { usageAt } from './usage.ts';
import { type CsiVolume, isForOnePod } from './volume.ts';

export interface CsiVolumesOptions extends CsiContext, AttachmentsOptions {
  readonly operations?: StorageOperations | undefined;
  /** The node has other volumes in use. */
  changed(): void;
}

export interface MountRequest {
  readonly pod: Pod;
  readonly volume: CsiVolume;
  /** Of a volume that has them. */
  readonly bound?: BoundClaim | undefined;
  readonly signal: AbortSignal;
}

const FOR_ONE_POD = 'volume uses the ReadWriteOncePod access mode and is already in use by another pod';

export class CsiVolumes {
  readonly #options: CsiVolumesOptions;
  readonly #held = new HeldVolumes();
  readonly #attachments: Attachments;
  /** What was left of before is among what is held. */
  #isKnown = false;
  #stopped = false;

  constructor(options: CsiVolumesOptions) {
    this.#options = options;
    this.#attachments = new Attachments(options);
  }

  /**
   * Takes over what a kubelet of before has left, and takes from the node what no pod has of it.
   * @param reported what the node was last said to have in use: those have to be detached by somebody
   */
  async reconstruct(reported: readonly string[]): Promise<void> {
    for (const { uid, ...volume } of await leftovers(this.#options)) {
      const held = this.#held.hold(volume, false);
      held.isAttachable = reported.includes(held.key);
      held.staged = 'maybe';
      if (uid !== undefined) held.users.set(uid, { published: 'maybe' });
    }
    this.#isKnown = true;
    for (const held of this.#held.values()) if (held.users.size === 0) void this.#leave(held);
  }

  /** For the node's status; undefined as long as nobody knows. */
  inUse(): readonly string[] | undefined {
    return this.#isKnown ? this.#held.inUse() : undefined;
  }

  /** The node is another: what was waited for may have come. */
  nodeChanged(): void {
    this.#attachments.nodeChanged();
  }

  driverChanged(name: string): void {
    for (const held of this.#held.values()) {
      if (held.driver !== name) continue;
      for (const uid of held.users.keys()) this.#options.wake(uid);
      if (held.users.size === 0) void this.#leave(held);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Mounts a volume for a pod, or sees to it that it is as it has to be. @throws PreparationError, Waiting */
  async mount(request: MountRequest): Promise<MountedVolume> {
    const { pod, volume, signal } = request;
    const uid = uidOf(pod);
    const csiDriver = await this.#options.csiDriver(volume.driver);
    signal.throwIfAborted();
    const before = this.#held.inUse().length;
    const held = this.#held.hold(volume, isAttachable(volume, csiDriver));
    if (!held.users.has(uid)) held.users.set(uid, { published: 'no' });
    if (this.#held.inUse().length !== before) this.#options.changed();
    const again = csiDriver?.spec.requiresRepublish === true;
    return unlessAborted(
      held.turns.run(() => this.#mount(request, held, again)),
      signal,
    );
  }

  async #mount(request: MountRequest, held: HeldVolume, again: boolean): Promise<MountedVolume> {
    const { pod, volume, signal, bound } = request;
    signal.throwIfAborted();
    const uid = uidOf(pod);
    const user = held.users.get(uid)!;
    const isNew = user.published !== 'yes';
    held.name = volume.name;
    try {
      if (isNew || (again && !volume.isBlock)) {
        const attached = held.isAttachable ? await this.#attachments.of(held, volume, uid) : {};
        await this.#counted(held, 'volume_mount', 'map_volume', () =>
          volume.isBlock ? this.#makeDevice(request, held, attached) : this.#makeMount(request, held, attached),
        );
      }
    } catch (error) {
      // Nobody else tells of what fails while the pod runs.
      if (!isNew && error instanceof PreparationError)
        this.#options.recorder.event(pod, 'Warning', error.reason, error.message);
      throw error;
    }
    if (bound) await keepSize(this.#options, { pod, volume, bound, held, isNew });
    user.published = 'yes';
    const { paths } = this.#options;
    const { readOnly, isBlock, name } = volume;
    const { shared, link } = placesOf(this.#options, uid, volume);
    const path = isBlock ? shared : paths.target(uid, name);
    const measure = () => usageAt(this.#options, volume, path);
    return isBlock ? { path: '', readOnly, device: link, measure } : { path, readOnly, measure };
  }

  #counted(
    { isBlock, driver }: HeldVolume,
    mount: StorageOperation,
    map: StorageOperation,
    work: () => Promise<void>,
  ): Promise<void> {
    const { operations } = this.#options;
    return operations ? operations.observe(`kubernetes.io/csi:${driver}`, isBlock ? map : mount, work) : work();
  }

  async #makeMount({ pod, volume }: MountRequest, held: HeldVolume, attached: Step['attached']): Promise<void> {
    const user = held.users.get(uidOf(pod))!;
    if (isForOnePod(volume) && isElsewhere(held, uidOf(pod))) {
      throw failure('MountVolume.SetUp failed', volume, new Error(FOR_ONE_POD));
    }
    const given = { pod, volume, attached };
    if (volume.lifecycle === 'Persistent' && held.staged !== 'yes') {
      await this.#step('MountVolume.MountDevice failed', given, held, 'staged', (step) => stage(this.#options, step));
    }
    const mayBeThere = user.published !== 'no';
    await this.#step('MountVolume.SetUp failed', given, user, 'published', (step) =>
      publish(this.#options, step, mayBeThere),
    );
  }

  async #makeDevice({ pod, volume }: MountRequest, held: HeldVolume, attached: Step['attached']): Promise<void> {
    const uid = uidOf(pod);
    const user = held.users.get(uid)!;
    if (isForOnePod(volume) && isElsewhere(held, uid)) {
      throw failure('MapVolume.SetUpDevice failed', volume, new Error(FOR_ONE_POD));
    }
    const given = { pod, volume, attached };
    if (held.staged !== 'yes') {
      await this.#step('MapVolume.SetUpDevice failed', given, held, 'staged', (step) =>
        stageDevice(this.#options, step),
      );
    }
    await this.#step('MapVolume.MapPodDevice failed', given, user, 'published', async (step) => {
      user.device = await publishDevice(this.#options, step);
    });
    user.published = 'maybe';
    const places = placesOf(this.#options, uid, volume);
    await showDevice(user.device!, places).catch((error) => {
      throw failure('MapVolume.MapBlockVolume failed', volume, error);
    });
    tellOfDevice(this.#options.recorder, pod, volume.name, places);
  }

  /** Notes how far it came: what a driver may still be at has to be undone one day. @throws PreparationError */
  async #step<K extends 'staged' | 'published'>(
    what: string,
    given: Omit<Step, 'begin'>,
    state: Record<K, Progress>,
    key: K,
    work: (step: Step) => Promise<void>,
  ): Promise<void> {
    const before = state[key];
    const begin = () => {
      if (before === 'no') state[key] = 'maybe';
    };
    try {
      await work({ ...given, begin });
      state[key] = 'yes';
    } catch (error) {
      if (before === 'no' && isFinal(error)) state[key] = 'no';
      throw failure(what, given.volume, error);
    }
  }

  /** Takes all volumes of drivers from a pod that does not run any more. @throws Error where one cannot be taken */
  async release(uid: string): Promise<void> {
    this.#attachments.forget(uid);
    const errors: Error[] = [];
    for (const held of this.#held.of(uid)) {
      await held.turns
        .run(() => this.#unpublish(held, uid))
        .then(() => void this.#leave(held))
        .catch((error: Error) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }

  async #unpublish(held: HeldVolume, uid: string): Promise<void> {
    const user = held.users.get(uid);
    if (!user) return;
    if (user.published !== 'no') {
      user.published = 'maybe';
      const take = held.isBlock ? unpublishDevice : unpublish;
      const taken = this.#counted(held, 'volume_unmount', 'unmap_volume', () => take(this.#options, uid, held));
      await taken.catch((error) => {
        const message = `${held.isBlock ? 'UnmapVolume' : 'UnmountVolume.TearDown'} failed for volume "${held.name}"`;
        throw new Error(`${message} : ${(error as Error).message}`, { cause: error });
      });
    }
    held.users.delete(uid);
  }

  /** Takes a volume from the node that no pod has; tries until that is done or a pod has it. */
  async #leave(held: HeldVolume): Promise<void> {
    const { client, changed } = this.#options;
    const { clock, log } = client.world;
    held.cancelRetry();
    try {
      await held.turns.run(async () => {
        if (held.users.size > 0) return;
        if (held.staged !== 'no') {
          held.staged = 'maybe';
          const take = held.isBlock ? unstageDevice : unstage;
          await this.#counted(held, 'unmount_device', 'unmap_device', () => take(this.#options, held));
          held.staged = 'no';
        }
        if (held.users.size === 0 && this.#held.drop(held) && held.isAttachable) changed();
      });
    } catch (error) {
      log.warn({ volume: held.name, error }, 'A volume could not be taken from the node');
      const pause = operationPause(held.failures++);
      held.cancelRetry();
      held.cancelRetry = clock.after(pause, () => void (this.#stopped || this.#leave(held)), { background: true });
    }
  }
}

function isElsewhere({ users }: HeldVolume, uid: string): boolean {
  return [...users].some(([other, { published }]) => other !== uid && published !== 'no');
}
