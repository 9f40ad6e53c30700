/**
 * Config maps and secrets that pods use. Each is watched as long as a pod here uses it: one that changes is known at once,
 * and one that is never used is never read.
 */
import { notFound } from '@keelson/api/errors';
import type { ConfigMap, Pod, Secret } from '@keelson/api/generated/types/core/v1';
import { type Client, hasReason, Informer } from '@keelson/client';

type Kind = 'configmaps' | 'secrets';
type Of<K extends Kind> = K extends 'configmaps' ? ConfigMap : Secret;

export interface ObjectReader {
  /** @throws StatusError `NotFound` in the words of the kubelet; any other as it comes */
  get<K extends Kind>(kind: K, namespace: string, name: string): Promise<Of<K>>;
}

/** The same, where it may be missing. */
export async function optional<T>(get: Promise<T>, may: boolean | undefined): Promise<T | undefined> {
  try {
    return await get;
  } catch (error) {
    if (may && hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

interface Entry {
  readonly informer: Informer<ConfigMap | Secret>;
  readonly users: Set<string>;
}

export class PodObjects {
  readonly #client: Client;
  readonly #changed: (podUid: string) => void;
  readonly #entries = new Map<string, Entry>();

  /** @param changed something that the pod uses is another */
  constructor(client: Client, changed: (podUid: string) => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** Reads for a pod, which from then on uses what it has read. */
  for(pod: Pod): ObjectReader {
    const uid = pod.metadata.uid!;
    return { get: (kind, namespace, name) => this.#get(kind, namespace, name, uid) };
  }

  /** The pod uses nothing any more. */
  release(podUid: string): void {
    for (const [key, { users, informer }] of this.#entries) {
      if (!users.delete(podUid) || users.size > 0) continue;
      this.#entries.delete(key);
      void informer.stop();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.#entries.values(), ({ informer }) => informer.stop()));
  }

  async #get<K extends Kind>(kind: K, namespace: string, name: string, uid: string): Promise<Of<K>> {
    const { informer, users } = this.#entry(kind, namespace, name);
    users.add(uid);
    const missing = () => notFound({ group: '', resource: kind === 'secrets' ? 'secret' : 'configmap' }, name);
    if (informer.hasSynced) {
      const found = informer.store.get(`${namespace}/${name}`);
      if (found) return found as Of<K>;
      throw missing();
    }
    try {
      return (await this.#client.resource(kind as 'configmaps').get({ namespace, name })) as Of<K>;
    } catch (error) {
      throw hasReason(error, 'NotFound') ? missing() : error;
    }
  }

  #entry(kind: Kind, namespace: string, name: string): Entry {
    const key = `${kind}/${namespace}/${name}`;
    const known = this.#entries.get(key);
    if (known) return known;
    const resource = this.#client.resource(kind as 'configmaps');
    const informer = new Informer<ConfigMap | Secret>(resource, this.#client.world, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
    });
    const users = new Set<string>();
    const tell = () => {
      for (const uid of users) this.#changed(uid);
    };
    informer.addHandler({ added: (_, initial) => !initial && tell(), updated: tell, deleted: tell });
    informer.start();
    const entry = { informer, users };
    this.#entries.set(key, entry);
    return entry;
  }
}
