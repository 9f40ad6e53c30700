/** Who counts what: for every name that quotas limit, the evaluator and a copy of the objects. Copies begin when they are needed. */
import type { TypedObject } from '@keelson/api/object';
import { type Evaluator, objectCount } from '@keelson/api/quota/evaluator';
import { quotaEvaluators } from '@keelson/api/quota/evaluators';
import {
  type Client,
  discover,
  type Handler,
  Informer,
  type Lister,
  preferred,
  type Served,
  type ServedResource,
  type World,
  within,
} from '@keelson/client';
import { ended } from '@keelson/component/promises';
import type { ControllerContext } from '../controller.ts';
import { followServed, servedStill } from '../served.ts';
import type { Counts } from './usage.ts';

interface Copy {
  readonly hasSynced: boolean;
  readonly synced: Promise<void>;
  readonly store: Lister<TypedObject>;
}

interface Followed extends Copy {
  addHandler(handler: Handler<TypedObject>): unknown;
}

interface Counter {
  readonly evaluator: Evaluator;
  readonly copy: Copy;
  /** Resolves when the copy has synced, or has had its time to. */
  readonly waited?: Promise<void>;
}

/** `pods`, `deployments.apps`, of a name such as `count/deployments.apps`. */
const PREFIX = 'count/';
/** How long a copy is waited for: what cannot be listed must not keep other names from being counted. */
const PATIENCE_MS = 10_000;

export class Counters {
  readonly #client: Client;
  readonly #world: World;
  readonly #freed: (namespace: string) => void;
  readonly #full: ReadonlyMap<string, Counter>;
  readonly #evaluators: ReadonlyMap<string, Evaluator>;
  readonly #metadata = new Map<string, Promise<Counter | undefined>>();
  /** By the names of resources, those that are counted by their number alone. */
  readonly #informers = new Map<
    string,
    { readonly resource: ServedResource; readonly informer: Informer<TypedObject> }
  >();
  #stopped = false;

  /** @param freed something may have become free in that namespace */
  constructor({ client, informers, world, settings }: ControllerContext, freed: (namespace: string) => void) {
    this.#client = client;
    this.#world = world;
    this.#freed = freed;
    const classes = informers.informer('deviceclasses.resource.k8s.io');
    const copies = {
      pods: informers.informer('pods'),
      services: informers.informer('services'),
      persistentvolumeclaims: informers.informer('persistentvolumeclaims'),
      'resourceclaims.resource.k8s.io': informers.informer('resourceclaims.resource.k8s.io'),
    };
    this.#evaluators = quotaEvaluators(
      {
        deviceClasses: () => classes.store.list(),
        resourceClaims: (namespace) => copies['resourceclaims.resource.k8s.io'].store.list(namespace),
        pod: (namespace, name) => copies.pods.store.get(`${namespace}/${name}`),
      },
      () => new Date(world.clock.now()),
      settings.isEnabled,
    );
    this.#full = new Map(
      Object.entries<Followed>(copies).map(([resource, copy]) => {
        const evaluator = this.#evaluators.get(resource)!;
        copy.addHandler({
          updated: (before, after) => void this.#changed(evaluator, before, after),
          deleted: ({ metadata }) => freed(metadata.namespace!),
        });
        return [resource, { evaluator, copy }];
      }),
    );
  }

  /** The informers of what is counted by more than its number. */
  get copies(): readonly Copy[] {
    return [...this.#full.values()].map(({ copy }) => copy);
  }

  /**
   * Who counts under one of the names, and the objects of the namespace.
   * @throws what discovery throws
   */
  async of(names: readonly string[], namespace: string): Promise<Counts> {
    const found = new Map<string, Counter>();
    const unknown = new Set<string>();
    const listed: (readonly [name: string, resource: string, counter: Counter])[] = [];
    for (const name of names) {
      for (const [resource, counter] of this.#full) {
        if (await counter.evaluator.counts(name)) found.set(resource, counter);
      }
      const resource = await this.#countedAs(name);
      if (resource === undefined || found.has(resource)) continue;
      const counter = await this.#metadataOf(resource);
      if (counter) listed.push([name, resource, counter]);
    }
    await Promise.all(listed.map(([, , { waited }]) => waited));
    for (const [name, resource, counter] of listed) {
      if (counter.copy.hasSynced) found.set(resource, counter);
      else unknown.add(name);
    }
    const counted = [...found.values()].map(({ evaluator, copy }) => ({
      evaluator,
      objects: copy.store.list(namespace),
    }));
    return { counted, unknown };
  }

  /** Lets go of copies of what is served no longer, or not in that version, until it is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    await followServed(this.#client, (served) => this.#drop(served), signal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#informers.values()].map(({ informer }) => informer.stop()));
  }

  #drop(served: Served): void {
    const isServed = servedStill(served);
    for (const [name, { resource, informer }] of this.#informers) {
      if (isServed(resource)) continue;
      this.#informers.delete(name);
      this.#metadata.delete(name);
      void informer.stop();
    }
  }

  /** The resource whose objects are counted under a name, and nothing else of them. */
  async #countedAs(name: string): Promise<string | undefined> {
    if (name.startsWith(PREFIX)) return name.slice(PREFIX.length);
    for (const [resource, evaluator] of this.#evaluators) {
      if (!this.#full.has(resource) && (await evaluator.counts(name))) return resource;
    }
    return undefined;
  }

  /** @returns undefined for what the server does not serve: it is looked for again the next time */
  #metadataOf(resource: string): Promise<Counter | undefined> {
    const known = this.#metadata.get(resource);
    if (known) return known;
    const asked = this.#begin(resource);
    this.#metadata.set(resource, asked);
    const forget = () => this.#metadata.delete(resource);
    asked.then((counter) => counter ?? forget(), forget);
    return asked;
  }

  async #begin(name: string): Promise<Counter | undefined> {
    const [resource = '', ...group] = name.split('.');
    const served = preferred((await discover(this.#client)).resources);
    const found = served.find((each) => each.resource === resource && each.group === group.join('.'));
    if (this.#stopped || !found?.namespaced || !['list', 'watch'].every((verb) => found.verbs.includes(verb)))
      return undefined;
    const copy = this.#copy(name, found);
    const waited = ended(within(this.#world.clock, PATIENCE_MS, copy.synced));
    return { evaluator: this.#evaluators.get(name) ?? objectCount(found), copy, waited };
  }

  #copy(name: string, resource: ServedResource): Copy {
    const informer = new Informer(this.#client.metadata(resource), this.#world, { transform: bare });
    informer.addHandler({ deleted: ({ metadata }) => this.#freed(metadata.namespace!) });
    this.#informers.set(name, { resource, informer });
    informer.start();
    return informer;
  }

  async #changed(evaluator: Evaluator, before: TypedObject, after: TypedObject): Promise<void> {
    const [was, is] = await Promise.all([evaluator.usage(before), evaluator.usage(after)]);
    const isLess = [...was].some(([name, amount]) => !is.has(name) || is.get(name)!.cmp(amount) < 0);
    if (isLess) this.#freed(after.metadata.namespace!);
  }
}

function bare({ metadata: { namespace = '', name = '', uid = '', resourceVersion = '' } }: TypedObject): TypedObject {
  return { metadata: { namespace, name, uid, resourceVersion } };
}
