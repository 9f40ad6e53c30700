/** Informers of the metadata of everything that can be deleted, as discovery has it from time to time. */
import { apiVersionOf, type TypedObject } from '@keelson/api/object';
import { type Client, discover, Informer, preferred, type Served, type ServedResource } from '@keelson/client';
import { followServed, keyOf, servedStill } from '../served.ts';

const NEEDED_VERBS = ['delete', 'list', 'watch'];
/** They own nothing, are owned by nobody, and there are many (GarbageCollectorIgnoredResources). */
const IGNORED = new Set(['events.', 'events.events.k8s.io']);

export interface MonitorEvents {
  observed(resource: ServedResource, object: TypedObject): void;
  gone(object: TypedObject): void;
  /** What is served could not be found out. */
  undiscovered(): void;
}

export class Monitors {
  readonly #client: Client;
  readonly #events: MonitorEvents;
  readonly #informers = new Map<
    string,
    { readonly resource: ServedResource; readonly informer: Informer<TypedObject> }
  >();
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

  /** Has informers of everything that is served. @throws what discovery throws */
  async begin(): Promise<void> {
    this.#take(await discover(this.#client));
  }

  /** Resolves when everything that is there at the beginning is known. @throws Error when it is stopped before */
  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map(({ informer }) => informer.synced));
  }

  /** Follows what comes and goes among the resources, until it is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    await followServed(this.#client, (served) => this.#take(served), signal, this.#events.undiscovered);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#informers.values()].map(({ informer }) => informer.stop()));
  }

  #take(served: Served): void {
    if (this.#stopped) return;
    const { resources } = served;
    this.#kinds = new Map(resources.toReversed().map((each) => [`${apiVersionOf(each)} ${each.kind}`, each]));
    const isServed = servedStill(served);
    for (const [key, { resource, informer }] of this.#informers) {
      if (isServed(resource)) continue;
      this.#informers.delete(key);
      void informer.stop();
      for (const object of informer.store.values()) this.#events.gone(object);
    }
    const wanted = preferred(resources).filter(isMonitored);
    for (const resource of wanted) if (!this.#informers.has(keyOf(resource))) this.#monitor(resource);
  }

  #monitor(resource: ServedResource): void {
    const informer = new Informer(this.#client.metadata(resource), this.#client.world, { transform: bare });
    informer.addHandler({
      added: (object) => this.#events.observed(resource, object),
      updated: (_, object) => this.#events.observed(resource, object),
      deleted: (object) => this.#events.gone(object),
    });
    this.#informers.set(keyOf(resource), { resource, informer });
    informer.start();
  }
}

function isMonitored({ group, resource, verbs }: ServedResource): boolean {
  return NEEDED_VERBS.every((verb) => verbs.includes(verb)) && !IGNORED.has(`${resource}.${group}`);
}

/** What the graph needs of an object, and nothing else of what may be many. */
function bare({ metadata }: TypedObject): TypedObject {
  const { namespace, name, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } = metadata;
  const kept = { namespace, name, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp };
  return { metadata: Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) };
}
