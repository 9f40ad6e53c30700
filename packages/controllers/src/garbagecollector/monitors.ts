/** Informers of the metadata of everything that can be deleted, as discovery has it from time to time. */
import type { TypedObject } from '@keelson/api/object';
import { type Client, discover, Informer, preferred, type ServedResource, sleep } from '@keelson/client';

/** How often it is asked what is served. */
export const REFRESH_MS = 30_000;
const NEEDED_VERBS = ['delete', 'list', 'watch'];
/** They own nothing, are owned by nobody, and there are many (GarbageCollectorIgnoredResources). */
const IGNORED = new Set(['events.', 'events.events.k8s.io']);

export interface MonitorEvents {
  observed(resource: ServedResource, object: TypedObject): void;
  gone(object: TypedObject): void;
}

export class Monitors {
  readonly #client: Client;
  readonly #events: MonitorEvents;
  readonly #informers = new Map<string, Informer<TypedObject>>();
  /** By apiVersion and kind, in every version that is served. */
  #kinds = new Map<string, ServedResource>();

  #stopped = false;

  constructor(client: Client, events: MonitorEvents) {
    this.#client = client;
    this.#events = events;
  }

  /** The resource of a kind; undefined when the server did not serve it the last time it was asked. */
  resourceOf(apiVersion: string, kind: string): ServedResource | undefined {
    return this.#kinds.get(`${apiVersion} ${kind}`);
  }

  /** Resolves when everything that is there at the beginning is known. @throws what discovery throws */
  async begin(): Promise<void> {
    await this.#refresh();
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced));
  }

  /** Follows what comes and goes among the resources, until it is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#client.world;
    while (!signal.aborted) {
      await sleep(clock, REFRESH_MS, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#refresh().catch((error) => log.warn({ error }, 'What is served could not be found out'));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  async #refresh(): Promise<void> {
    const { resources, stale } = await discover(this.#client);
    if (this.#stopped) return;
    this.#kinds = new Map(resources.toReversed().map((each) => [`${apiVersionOf(each)} ${each.kind}`, each]));
    const wanted = preferred(resources).filter(
      ({ group, resource, verbs }) =>
        NEEDED_VERBS.every((verb) => verbs.includes(verb)) && !IGNORED.has(`${resource}.${group}`),
    );
    const keys = new Set(wanted.map(keyOf));
    for (const [key, informer] of this.#informers) {
      // A group whose server does not answer has not lost its resources.
      if (keys.has(key) || stale.some((groupVersion) => key.startsWith(`${groupVersion}/`))) continue;
      this.#informers.delete(key);
      void informer.stop();
      for (const object of informer.store.values()) this.#events.gone(object);
    }
    for (const resource of wanted) if (!this.#informers.has(keyOf(resource))) this.#monitor(resource);
  }

  #monitor(resource: ServedResource): void {
    const informer = new Informer(this.#client.metadata(resource), this.#client.world, { transform: bare });
    informer.addHandler({
      added: (object) => this.#events.observed(resource, object),
      updated: (_, object) => this.#events.observed(resource, object),
      deleted: (object) => this.#events.gone(object),
    });
    this.#informers.set(keyOf(resource), informer);
    informer.start();
  }
}

function keyOf(resource: ServedResource): string {
  return `${apiVersionOf(resource)}/${resource.resource}`;
}

export function apiVersionOf({ group, version }: ServedResource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** What the graph needs of an object, and nothing else of what may be many. */
function bare({ metadata }: TypedObject): TypedObject {
  const { namespace, name, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } = metadata;
  const kept = { namespace, name, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp };
  return { metadata: Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) };
}
