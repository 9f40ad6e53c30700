/** What is asked of a server: a mutant is created, or put in the place of the object that it was made of. */
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import { type Mutation, mutated } from './mutate.ts';
import { NAMESPACE, type Seed } from './objects.ts';
import { type Answer, comparable, send, type Target } from './wire.ts';

export type Verb = 'create' | 'update' | 'status';

export interface Case {
  readonly seed: Seed;
  readonly verb: Verb;
  readonly mutations: readonly Mutation[];
}

/** A server with the namespace in which everything happens. */
export class Subject {
  readonly target: Target;
  readonly #collections = new Map<string, string>();
  /** The objects that lie there, by the name of their seed. */
  readonly #stored = new Map<string, KubeObject>();

  constructor(target: Target) {
    this.target = target;
  }

  /** Empties the namespace, or makes it. @returns the seeds whose kinds are served */
  async prepare(all: readonly Seed[]): Promise<Seed[]> {
    for (const apiVersion of new Set(all.map(({ object }) => object.apiVersion!))) await this.#discover(apiVersion);
    const seeds = all.filter((seed) => this.#path(seed) !== undefined);
    await this.clean(seeds);
    const { target } = this;
    const metadata = { name: NAMESPACE };
    await send(target, { method: 'POST', path: '/api/v1/namespaces', body: { metadata } });
    // Admission of pods wants it; there may be no controller that makes it.
    const account = { metadata: { name: 'default' } };
    await send(target, { method: 'POST', path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, body: account });
    return seeds;
  }

  async #discover(apiVersion: string): Promise<void> {
    const { group } = parseApiVersion(apiVersion);
    const root = `${group === '' ? '/api' : '/apis'}/${apiVersion}`;
    const { body, status } = await send(this.target, { method: 'GET', path: root });
    if (status !== 200) return;
    const { resources } = body as { resources: { name: string; kind: string; namespaced: boolean }[] };
    for (const { name, kind, namespaced } of resources.filter((r) => !r.name.includes('/')))
      this.#collections.set(`${apiVersion}/${kind}`, `${root}${namespaced ? `/namespaces/${NAMESPACE}` : ''}/${name}`);
  }

  #path({ object }: Seed): string {
    return this.#collections.get(`${object.apiVersion}/${object.kind}`)!;
  }

  /** Deletes what the seeds made. */
  async clean(seeds: readonly Seed[]): Promise<void> {
    for (const seed of seeds) {
      const path = `${this.#path(seed)}/${seed.object.metadata.name}`;
      const body = { metadata: { finalizers: null } };
      await send(this.target, { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
      await send(this.target, { method: 'DELETE', path: `${path}?gracePeriodSeconds=0&propagationPolicy=Background` });
      // Nobody else empties it.
      if (seed.object.kind === 'Namespace')
        await send(this.target, {
          method: 'PUT',
          path: `${path}/finalize`,
          body: { metadata: { name: seed.object.metadata.name } },
        });
    }
  }

  /** Makes the seeds themselves, for updates. @returns those that are accepted */
  async plant(seeds: readonly Seed[]): Promise<Seed[]> {
    const planted: Seed[] = [];
    // Pods have to be there before what limits them, services that name an address before those that are given any.
    const turn = ({ object }: Seed): number =>
      object.kind === 'LimitRange' ? 2 : (object as { spec?: { clusterIP?: string } }).spec?.clusterIP ? 0 : 1;
    for (const seed of seeds.toSorted((a, b) => turn(a) - turn(b))) {
      const made = await send(this.target, { method: 'POST', path: this.#path(seed), body: seed.object });
      if (made.status === 201) planted.push(seed);
    }
    for (const seed of planted) {
      const path = `${this.#path(seed)}/${seed.object.metadata.name}`;
      const { body } = await send(this.target, { method: 'GET', path });
      this.#stored.set(seed.name, body as KubeObject);
    }
    return planted;
  }

  async ask({ seed, verb, mutations }: Case): Promise<Answer> {
    const path = this.#path(seed);
    if (verb === 'create') {
      const body = mutated(seed.object, mutations);
      const answer = await send(this.target, { method: 'POST', path: `${path}?dryRun=All`, body });
      return comparable(answer, (body as Partial<KubeObject>).metadata?.generateName);
    }
    const stored = this.#stored.get(seed.name)!;
    const body = mutated(stored, mutations);
    const item = `${path}/${seed.object.metadata.name}${verb === 'status' ? '/status' : ''}?dryRun=All`;
    return comparable(await send(this.target, { method: 'PUT', path: item, body }));
  }
}
