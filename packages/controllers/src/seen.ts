/**
 * Keeps a controller from acting on a copy of an object that is older than what it wrote to it
 * (pkg/controller/util/consistency; resource versions of one resource are ordered numbers).
 */
import type { GroupResource } from '@keelson/api/errors';
import type { TypedObject } from '@keelson/api/object';
import { storeKey } from '@keelson/client';
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

/**
 * Counts looks that were put off, under the controller's name. @param subsystem `job_controller`
 * @param registry without it nobody reads them
 */
export function staleSkips(
  registry: MetricsRegistry | undefined,
  subsystem: string,
  { group, resource }: GroupResource,
): () => void {
  const name = `${subsystem}_stale_sync_skips_total`;
  const help = 'Looks that were put off, since the copy was older than what had been written.';
  const counter = new Counter({ name, help, stability: 'ALPHA', labels: ['group', 'resource'] });
  registry?.register(counter);
  return () => counter.with(group, resource).inc();
}

interface Written {
  readonly uid: string | undefined;
  readonly revision: bigint;
}

export class OwnWrites {
  readonly #written = new Map<string, Written>();
  readonly #skipped: () => void;

  /** @param skipped a look at an object was put off */
  constructor(skipped: () => void = () => {}) {
    this.#skipped = skipped;
  }

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
    if (written.uid === uid && BigInt(resourceVersion ?? 0) < written.revision) {
      this.#skipped();
      return false;
    }
    this.#written.delete(key);
    return true;
  }

  forget(key: string): void {
    this.#written.delete(key);
  }
}
