import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import type { GroupVersionKind, TypedObject } from '@keelson/api/object';
import type { LabelSelector } from '@keelson/api/selectors/labels';
import {
  adoptionPatch,
  claim,
  type Draft,
  hasReason,
  type Informer,
  keyOf,
  type ResourceClient,
  releasePatch,
} from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { indexByController, orphansIn, ownedBy } from '../owned.ts';
import { mayAdopt } from '../pods/control.ts';

/** Controller revisions as the controllers of sets read and write them. */
export class RevisionControl {
  readonly informer: Informer<ControllerRevision>;
  readonly #client: ResourceClient<ControllerRevision>;
  readonly #kind: GroupVersionKind;

  /** @param kind of the owners */
  constructor({ client, informers }: ControllerContext, kind: GroupVersionKind) {
    this.#client = client.resource('controllerrevisions.apps');
    this.informer = informers.informer('controllerrevisions.apps');
    this.#kind = kind;
    indexByController(this.informer);
  }

  /** Those of the owner, after it has adopted and released. @param fresh see PodControl.claim */
  claim(owner: TypedObject, selector: LabelSelector, fresh: () => Promise<TypedObject>): Promise<ControllerRevision[]> {
    const { store } = this.informer;
    return claim([...ownedBy(store, owner), ...orphansIn(store, owner.metadata.namespace!)], {
      owner,
      wants: ({ metadata }) => selector.matches(metadata.labels ?? {}),
      mayAdopt: () => mayAdopt(owner, this.#kind.kind, fresh),
      adopt: (revision) => this.#client.patch(keyOf(revision), 'strategic', adoptionPatch(revision, owner, this.#kind)),
      release: (revision) => this.#client.patch(keyOf(revision), 'strategic', releasePatch(revision, owner)),
    });
  }

  /** @returns `taken` with what has the name already */
  async create(
    draft: Draft<ControllerRevision>,
  ): Promise<{ created: ControllerRevision } | { taken: ControllerRevision }> {
    try {
      return { created: await this.#client.create(draft) };
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      return { taken: await this.#client.get(keyOf(draft)) };
    }
  }

  update(revision: ControllerRevision): Promise<ControllerRevision> {
    return this.#client.update(revision);
  }

  async delete(revision: ControllerRevision): Promise<void> {
    await this.#client.delete(keyOf(revision)).catch((error) => {
      if (!hasReason(error, 'NotFound')) throw error;
    });
  }
}
