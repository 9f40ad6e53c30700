/** The scale subresource of whatever has one, found by kind (k8s.io/client-go/scale). */
import type { Scale } from '@keelson/api/generated/types/autoscaling/v1';
import { type Client, discover, keyOf, preferred, type ServedResource, type Subresource } from '@keelson/client';

/** What is looked for again not sooner than this. */
const FRESH_MS = 30_000;

export interface Scaled {
  readonly scale: Scale;
  readonly resource: ServedResource;
}

export class Scales {
  readonly #client: Client;
  #served: readonly ServedResource[] = [];
  #asOf = Number.NEGATIVE_INFINITY;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Tries all resources of the kind.
   * @throws Error for a kind that is not served; the first resource's error where none has it
   */
  async get(group: string, kind: string, namespace: string, name: string): Promise<Scaled> {
    const errors: unknown[] = [];
    for (const resource of await this.#resourcesOf(group, kind)) {
      try {
        return { resource, scale: await this.#of(resource).get({ namespace, name }) };
      } catch (error) {
        errors.push(error);
      }
    }
    // It may be served in another version by now.
    if (this.#client.world.clock.now() - this.#asOf > FRESH_MS) this.#served = [];
    throw errors[0];
  }

  update({ resource, scale }: Scaled): Promise<Scale> {
    return this.#of(resource).update(keyOf(scale), scale);
  }

  #of(resource: ServedResource): Subresource<Scale> {
    return this.#client.resource<object>(resource).subresource('scale');
  }

  async #resourcesOf(group: string, kind: string): Promise<ServedResource[]> {
    const find = () => this.#served.filter((resource) => resource.group === group && resource.kind === kind);
    const { clock } = this.#client.world;
    if (find().length === 0 && clock.now() - this.#asOf > FRESH_MS) {
      this.#served = preferred((await discover(this.#client)).resources);
      this.#asOf = clock.now();
    }
    const found = find();
    if (found.length > 0) return found;
    throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
  }
}
