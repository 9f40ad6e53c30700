/**
 * Deletes what has no owner any more, and sees cascading deletions through (pkg/controller/garbagecollector). Before anything
 * is deleted the server is asked: the graph may be behind.
 *
 *     an owner is absent            ─▶ its dependents are deleted, unless another owner is there
 *     deleted in the foreground     ─▶ blocking dependents go first, then the finalizer
 *     deleted with `orphan`         ─▶ dependents let go of it, then the finalizer goes
 */
import type { OwnerReference } from '@keelson/api/generated/types/meta/v1';
import type { TypedObject } from '@keelson/api/object';
import { type Client, hasReason, retryOnConflict, type ServedResource } from '@keelson/client';
import { blockingDependents, coordinates, FOREGROUND, type Graph, type Identity, type Node, ORPHAN } from './graph.ts';

/** A kind that the server does not serve, or not yet: looked for again later. */
export class UnknownKindError extends Error {
  override readonly name = 'UnknownKindError';
}

/** An object outside of namespaces names an owner that is in one: which one, it cannot say. It is left alone. */
export class UnreachableOwnerError extends Error {
  override readonly name = 'UnreachableOwnerError';
}

export interface CollectorOptions {
  readonly client: Client;
  readonly graph: Graph;
  /** @returns the resource of a kind, as discovery had it last */
  resourceOf(apiVersion: string, kind: string): ServedResource | undefined;
  /** Has the node looked at again. */
  check(node: Node): void;
}

/** What is known of an object's owners. */
export interface OwnerStates {
  readonly solid: readonly OwnerReference[];
  readonly dangling: readonly OwnerReference[];
  /** Wait for this object to go. */
  readonly waiting: readonly OwnerReference[];
}

export type Verdict =
  | { readonly deed: 'keep' }
  /** References to these owners are removed; the others hold the object. */
  | { readonly deed: 'release'; readonly uids: readonly string[] }
  | {
      readonly deed: 'delete';
      readonly policy: 'Orphan' | 'Foreground' | 'Background';
      /** Its references must not block its owners, or a circle would wait for itself. */
      readonly unblock?: boolean;
    };

/** What is to become of an object that has owners. */
export function judge(object: TypedObject, owners: OwnerStates, dependents: readonly Node[]): Verdict {
  const { solid, dangling, waiting } = owners;
  if (solid.length > 0) {
    const uids = [...dangling, ...waiting].map(({ uid }) => uid);
    return uids.length === 0 ? { deed: 'keep' } : { deed: 'release', uids };
  }
  if (waiting.length > 0 && dependents.length > 0) {
    const unblock = dependents.some(({ isDeletingDependents }) => isDeletingDependents);
    return { deed: 'delete', policy: 'Foreground', unblock };
  }
  const finalizers = object.metadata.finalizers ?? [];
  const policy = finalizers.includes(ORPHAN) ? 'Orphan' : finalizers.includes(FOREGROUND) ? 'Foreground' : 'Background';
  return { deed: 'delete', policy };
}

export class Collector {
  readonly #options: CollectorOptions;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Looks at one node and does what has to be done. @throws what the server says; UnknownKindError */
  async attemptToDelete(node: Node): Promise<void> {
    const { graph } = this.#options;
    if (graph.get(node.identity.uid) !== node) return;
    if (node.isDeleting && !node.isDeletingDependents) return;
    const { identity } = node;
    const latest = await this.#read(identity);
    if (latest?.metadata.uid !== identity.uid) {
      graph.notFound(identity);
      return;
    }
    if (node.isDeletingDependents) return this.#finishForeground(node);
    const references = latest.metadata.ownerReferences ?? [];
    if (references.length === 0) return;
    const verdict = judge(latest, await this.#statesOf(node, references), [...node.dependents]);
    switch (verdict.deed) {
      case 'keep':
        return;
      case 'release':
        return this.#release(node, verdict.uids);
      case 'delete':
        if (verdict.unblock) await this.#unblock(node);
        return this.#delete(identity, latest, verdict.policy);
    }
  }

  /** Makes all dependents let go of an owner, then takes its finalizer. @throws what the server says */
  async attemptToOrphan(owner: Node): Promise<void> {
    const results = await Promise.allSettled(
      [...owner.dependents].map((dependent) => this.#release(dependent, [owner.identity.uid])),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
    if (failures.length > 0) throw new Error(`not all dependents were let go: ${failures.join('; ')}`);
    await this.#removeFinalizer(owner.identity, ORPHAN);
  }

  async #finishForeground(node: Node): Promise<void> {
    const blocking = blockingDependents(node);
    if (blocking.length === 0) return this.#removeFinalizer(node.identity, FOREGROUND);
    for (const dependent of blocking) if (!dependent.isDeletingDependents) this.#options.check(dependent);
  }

  async #statesOf(node: Node, references: readonly OwnerReference[]): Promise<OwnerStates> {
    const states = { solid: [] as OwnerReference[], dangling: [] as OwnerReference[], waiting: [] as OwnerReference[] };
    for (const reference of references) states[await this.#stateOf(node, reference)].push(reference);
    return states;
  }

  async #stateOf({ identity: { namespace } }: Node, reference: OwnerReference): Promise<keyof OwnerStates> {
    const { absent } = this.#options.graph;
    const inNamespace: Identity = { ...coordinates(reference), namespace };
    const outside: Identity = { ...inNamespace, namespace: '' };
    if (absent.has(inNamespace) || absent.has(outside)) return 'dangling';
    const resource = this.#resourceOf(reference);
    const identity = resource.namespaced ? inNamespace : outside;
    if (resource.namespaced && namespace === '') throw new UnreachableOwnerError(reference.name);
    const owner = await this.#read(identity);
    if (owner?.metadata.uid !== reference.uid) {
      absent.add(identity);
      return 'dangling';
    }
    const { deletionTimestamp, finalizers = [] } = owner.metadata;
    return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND) ? 'waiting' : 'solid';
  }

  #resourceOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): ServedResource {
    const resource = this.#options.resourceOf(apiVersion, kind);
    if (!resource) throw new UnknownKindError(`no resource is known for ${kind} in ${apiVersion}`);
    return resource;
  }

  #objects(identity: Identity) {
    const resource = this.#resourceOf(identity);
    const { namespace, name } = identity;
    return {
      objects: this.#options.client.metadata(resource),
      key: resource.namespaced ? { namespace, name } : { name },
    };
  }

  /** @returns undefined when there is none */
  async #read(identity: Identity): Promise<TypedObject | undefined> {
    const { objects, key } = this.#objects(identity);
    if (key.namespace === '') return undefined;
    try {
      return await objects.get(key);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #delete(identity: Identity, { metadata }: TypedObject, propagationPolicy: string): Promise<void> {
    const { objects, key } = this.#objects(identity);
    const { uid, resourceVersion } = metadata;
    const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
    try {
      await objects.delete(key, { preconditions, propagationPolicy });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      this.#options.graph.notFound(identity);
    }
  }

  async #release({ identity }: Node, uids: readonly string[]): Promise<void> {
    const ownerReferences = uids.map((uid) => ({ $patch: 'delete', uid }));
    await this.#patchOwners(identity, ownerReferences, (references) =>
      references.filter(({ uid }) => !uids.includes(uid)),
    );
  }

  async #unblock({ identity, owners }: Node): Promise<void> {
    const unblocked = owners
      .filter(({ blockOwnerDeletion }) => blockOwnerDeletion)
      .map((reference) => ({ ...reference, blockOwnerDeletion: false }));
    await this.#patchOwners(identity, unblocked, (references) =>
      references.map((reference) => ({ ...reference, blockOwnerDeletion: false })),
    );
  }

  /** A strategic patch meets no conflict; custom resources know merge patches alone. What is gone needs neither. */
  async #patchOwners(
    identity: Identity,
    strategic: readonly object[],
    change: (references: readonly OwnerReference[]) => readonly OwnerReference[],
  ): Promise<void> {
    const { objects, key } = this.#objects(identity);
    const { uid } = identity;
    try {
      await objects.patch(key, 'strategic', { metadata: { uid, ownerReferences: strategic } });
    } catch (error) {
      if (hasReason(error, 'NotFound')) return;
      if (!hasReason(error, 'UnsupportedMediaType')) throw error;
      const latest = await this.#read(identity);
      if (latest?.metadata.uid !== uid) return;
      const { resourceVersion, ownerReferences = [] } = latest.metadata;
      await objects.patch(key, 'merge', { metadata: { resourceVersion, ownerReferences: change(ownerReferences) } });
    }
  }

  async #removeFinalizer(identity: Identity, finalizer: string): Promise<void> {
    await retryOnConflict(async () => {
      const latest = await this.#read(identity);
      const { finalizers = [], resourceVersion, uid } = latest?.metadata ?? {};
      if (uid !== identity.uid || !finalizers.includes(finalizer)) return;
      const { objects, key } = this.#objects(identity);
      const left = finalizers.filter((each) => each !== finalizer);
      try {
        await objects.patch(key, 'merge', { metadata: { resourceVersion, finalizers: left } });
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
    });
  }
}
