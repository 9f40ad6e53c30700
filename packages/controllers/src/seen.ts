/**
 * Keeps a controller from acting on a copy of an object that is older than what it wrote to it
 * (pkg/controller/util/consistency; resource versions of one resource are ordered numbers).
 */
import type { TypedObject } from '@keelson/api/object';
import { storeKey } from '@keelson/client';

interface Written {
  readonly uid: string | undefined;
  readonly revision: bigint;
}

export class OwnWrites {
  readonly #written = new Map<string, Written>();

  /** @param object as the server answered */
  wrote(object: TypedObject): void {
    const { uid, resourceVersion } = object.metadata;
    this.#written.set(storeKey(object), { uid, revision: BigInt(resourceVersion ?? 0) });
  }

  /** Whether the copy has what was written. When it comes, the informer tells of it, and the object is looked at again. */
  seenIn(copy: TypedObject): boolean {
    const key = storeKey(copy);
    const written = this.#written.get(key);
    if (!written) return true;
    const { uid, resourceVersion } = copy.metadata;
    if (written.uid === uid && BigInt(resourceVersion ?? 0) < written.revision) return false;
    this.#written.delete(key);
    return true;
  }

  forget(key: string): void {
    this.#written.delete(key);
  }
}
