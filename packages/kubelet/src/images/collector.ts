/**
 * Images that nothing uses go when the file system of images gets full, or when they are old
 * (pkg/kubelet/images/image_gc_manager.go).
 */
import { aggregateText } from '@keelson/api/aggregate';
import type { ObjectReference } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { formatDuration } from '@keelson/component/go/duration';
import type { Image, Images } from '../runtime/images.ts';
import type { PodListing } from '../runtime/runtime.ts';

export interface ImageCollectionPolicy {
  /** Percent of the file system in use from which on images are removed, and down to which. 100 and no maximum age: never. */
  readonly highThresholdPercent: number;
  readonly lowThresholdPercent: number;
  /** One that was first seen less long ago stays: somebody may just have pulled it. */
  readonly minimumAgeMs: number;
  /** One that was not used for longer goes, however much room there is; 0: none does. */
  readonly maximumAgeMs: number;
}

/** As the kubelet's own defaults. */
export const IMAGE_COLLECTION: ImageCollectionPolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeMs: 2 * 60_000,
  maximumAgeMs: 0,
};

export interface ImageCollectorOptions {
  readonly runtime: Pick<Images, 'images' | 'removeImage'> & { list(): Promise<readonly PodListing[]> };
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  readonly policy: ImageCollectionPolicy;
  /** Of what images are kept on. */
  filesystem(): Promise<{ readonly capacityBytes: number; readonly availableBytes: number }>;
  /** References and ids of images that pods mount. */
  mounted(): readonly string[];
  removed?(why: 'age' | 'space'): void;
  /** What is there. @param at when that was asked */
  seen?(ids: readonly string[], at: number): void;
}

interface ImageRecord {
  readonly id: string;
  readonly firstSeenAt: number;
  /** 0: it never was, as far as this kubelet knows. */
  usedAt: number;
  size: number;
  pinned: boolean;
}

export class ImageCollector {
  readonly #options: ImageCollectorOptions;
  readonly #startedAt: number;
  /** By id. */
  readonly #records = new Map<string, ImageRecord>();
  #hasFailed = false;

  constructor(options: ImageCollectorOptions) {
    this.#options = options;
    this.#startedAt = options.world.clock.now();
  }

  /** Whether the policy ever has it do anything. */
  get isOn(): boolean {
    const { highThresholdPercent, maximumAgeMs } = this.#options.policy;
    return highThresholdPercent !== 100 || maximumAgeMs !== 0;
  }

  /** Notes which images are there, and which are used now. @param seenAt for those that are new. @returns ids of the latter */
  async detect(seenAt = this.#options.world.clock.now()): Promise<ReadonlySet<string>> {
    const { runtime, world, mounted } = this.#options;
    const askedAt = world.clock.now();
    const images = await runtime.images();
    this.#options.seen?.(
      images.map(({ id }) => id),
      askedAt,
    );
    const pods = await runtime.list();
    const named = new Set([
      ...pods.flatMap(({ containers }) => containers.map(({ imageId }) => imageId)),
      ...mounted(),
    ]);
    const used = new Set(images.filter((image) => namesOf(image).some((name) => named.has(name))).map(({ id }) => id));
    const now = world.clock.now();
    for (const { id, size, pinned } of images) {
      const record = this.#records.get(id) ?? { id, firstSeenAt: seenAt, usedAt: 0, size, pinned };
      Object.assign(record, { size, pinned, usedAt: used.has(id) ? now : record.usedAt });
      this.#records.set(id, record);
    }
    const present = new Set(images.map(({ id }) => id));
    for (const id of this.#records.keys()) if (!present.has(id)) this.#records.delete(id);
    return used;
  }

  /** What has to be done every few minutes; failures are told from the second in a row on. */
  async collectAndTell(): Promise<void> {
    const { recorder, node, world } = this.#options;
    try {
      await this.collect();
      this.#hasFailed = false;
    } catch (error) {
      world.log.warn({ error }, 'Could not collect images');
      if (this.#hasFailed) recorder.event(node, 'Warning', 'ImageGCFailed', (error as Error).message);
      this.#hasFailed = true;
    }
  }

  /** Applies the policy. @throws Error where images could not be removed, or not as many as need be */
  async collect(): Promise<void> {
    const { policy, recorder, node, filesystem, world } = this.#options;
    const now = world.clock.now();
    const unused = await this.#removeOld(await this.#unused(now), now);
    const { capacityBytes: capacity, availableBytes } = await filesystem();
    const available = Math.min(availableBytes, capacity);
    if (capacity === 0) {
      const message = 'invalid capacity 0 on image filesystem';
      recorder.event(node, 'Warning', 'InvalidDiskCapacity', message);
      throw new Error(message);
    }
    const usedPercent = 100 - Math.floor((available * 100) / capacity);
    if (usedPercent < policy.highThresholdPercent) return;
    const wanted = Math.floor((capacity * (100 - policy.lowThresholdPercent)) / 100) - available;
    const freed = await this.#free(wanted, unused, now);
    if (freed >= wanted) return;
    const message =
      `Insufficient free disk space on the node's image filesystem (${usedPercent}% of ${formatSize(capacity)} used). ` +
      `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). ` +
      'Investigate disk usage, as it could be used by active images, logs, volumes, or other data.';
    recorder.event(node, 'Warning', 'FreeDiskSpaceFailed', message);
    throw new Error(message);
  }

  /** All that may go: there is no room any more. @throws Error */
  async removeUnused(): Promise<void> {
    const now = this.#options.world.clock.now();
    await this.#free(Number.POSITIVE_INFINITY, await this.#unused(now), now);
  }

  /** What was not used for longest comes first. */
  async #unused(now: number): Promise<ImageRecord[]> {
    const used = await this.detect(now);
    return [...this.#records.values()]
      .filter(({ id, pinned }) => !pinned && !used.has(id))
      .sort((a, b) => a.usedAt - b.usedAt || a.firstSeenAt - b.firstSeenAt);
  }

  /** @returns those that are left. Until the kubelet has run for that long, it cannot know what was not used. */
  async #removeOld(images: readonly ImageRecord[], now: number): Promise<readonly ImageRecord[]> {
    const { maximumAgeMs } = this.#options.policy;
    if (maximumAgeMs === 0 || now - this.#startedAt <= maximumAgeMs) return images;
    const old = images.filter(({ usedAt }) => now - usedAt > maximumAgeMs);
    const errors = await this.#removeAll(old, 'age');
    if (errors.length > 0) {
      const age = formatDuration(maximumAgeMs);
      throw new Error(
        `wanted to free images older than ${age}, encountered errors in image deletion: ${aggregateText(errors)}`,
      );
    }
    return images.filter((image) => !old.includes(image));
  }

  /** @returns bytes that were freed */
  async #free(wanted: number, images: readonly ImageRecord[], now: number): Promise<number> {
    const { minimumAgeMs } = this.#options.policy;
    const errors: string[] = [];
    let freed = 0;
    for (const image of images) {
      if (image.usedAt >= now || now - image.firstSeenAt < minimumAgeMs) continue;
      const failed = await this.#removeAll([image], 'space');
      errors.push(...failed);
      if (failed.length === 0) freed += image.size;
      if (freed >= wanted) break;
    }
    if (errors.length === 0) return freed;
    const bytes = Number.isFinite(wanted) ? wanted : MAX_INT64;
    throw new Error(
      `wanted to free ${bytes} bytes, but freed ${freed} bytes space with errors in image deletion: ${aggregateText(errors)}`,
    );
  }

  /** @returns what went wrong */
  async #removeAll(images: readonly ImageRecord[], why: 'age' | 'space'): Promise<string[]> {
    const { runtime, world, removed } = this.#options;
    const errors: string[] = [];
    for (const { id, size } of images) {
      world.log.info({ image: id, size, why }, 'Removing an image that nothing uses');
      try {
        await runtime.removeImage({ image: id, userSpecified: '', runtimeHandler: '' });
        this.#records.delete(id);
        removed?.(why);
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
    return errors;
  }
}

const MAX_INT64 = 2n ** 63n - 1n;

const namesOf = ({ id, tags, digests }: Image) => [id, ...tags, ...digests];

/** `1.5 GiB` */
function formatSize(bytes: number): string {
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
