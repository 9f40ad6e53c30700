/** What a node has of volumes of drivers, or is about to have, and for which pods. */

import type { Quantity } from '@keelson/api/quantity';
import { uniqueName } from '@keelson/api/resources/attachments';
import { Mutex } from '@keelson/component/promises';
import type { CsiVolume } from './volume.ts';

/** `maybe`: it was begun and did not end well, or another kubelet has left it. */
export type Progress = 'no' | 'maybe' | 'yes';

export interface User {
  published: Progress;
  /** As the driver has made it. */
  device?: string;
  /** Since when it is waited for that the volume is attached; milliseconds since 1970. */
  waitsSince?: number | undefined;
}

export interface HeldVolume extends Pick<CsiVolume, 'driver' | 'handle' | 'isBlock'> {
  /** Not that of the persistent volume as long as only its driver's data have been seen. */
  name: string;
  /** As nodes name it in their status. */
  readonly key: string;
  /** It has to be attached first: the node tells that it is in use. */
  isAttachable: boolean;
  staged: Progress;
  /** Pods that have it or want it, by uid. */
  readonly users: Map<string, User>;
  /** As large as the node knows it. */
  size: Quantity | undefined;
  growthFailed: boolean;
  growthRefused: boolean;
  /** How often it could not be taken from the node. */
  failures: number;
  cancelRetry(): void;
  /** One thing at a time. */
  readonly turns: Mutex;
}

export class HeldVolumes {
  readonly #held = new Map<string, HeldVolume>();

  values(): Iterable<HeldVolume> {
    return this.#held.values();
  }

  hold(volume: HeldVolumeDraft, isAttachable: boolean): HeldVolume {
    const key = uniqueName(volume);
    const found = this.#held.get(key) ?? {
      key,
      name: volume.name,
      driver: volume.driver,
      handle: volume.handle,
      isBlock: volume.isBlock,
      isAttachable,
      staged: 'no',
      users: new Map(),
      size: undefined,
      growthFailed: false,
      growthRefused: false,
      failures: 0,
      cancelRetry: () => {},
      turns: new Mutex(),
    };
    found.isAttachable ||= isAttachable;
    this.#held.set(key, found);
    return found;
  }

  of(uid: string): HeldVolume[] {
    return [...this.#held.values()].filter(({ users }) => users.has(uid));
  }

  /** @returns whether it was held */
  drop(held: HeldVolume): boolean {
    return this.#held.get(held.key) === held && this.#held.delete(held.key);
  }

  /** Sorted: what the node tells does not change with the order in which things happened. */
  inUse(): string[] {
    return [...this.#held.values()].flatMap(({ key, isAttachable }) => (isAttachable ? [key] : [])).sort();
  }
}

type HeldVolumeDraft = Pick<HeldVolume, 'name' | 'driver' | 'handle' | 'isBlock'>;
