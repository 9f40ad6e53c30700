/**
 * Who controls an object, and how a controller takes what matches its selector and lets go of what no longer does
 * (pkg/controller/controller_ref_manager.go).
 */

import { hasReason } from '@keelson/api/errors';
import { apiVersionOf, type GroupVersionKind, type OwnerReference, type TypedObject } from '@keelson/api/object';

/** The reference to the one controller of an object. */
export function controllerOf(object: TypedObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller);
}

/** By uid: an owner that was made again under its name is another one. */
export function isControlledBy(object: TypedObject, owner: TypedObject): boolean {
  const { uid } = owner.metadata;
  return uid !== undefined && controllerOf(object)?.uid === uid;
}

/** A reference that makes `owner` the controller, and its deletion wait for the object. */
export function controllerReference(owner: TypedObject, { group, version, kind }: GroupVersionKind): OwnerReference {
  const { name, uid } = owner.metadata;
  const apiVersion = apiVersionOf({ group, version });
  return { apiVersion, kind, name: name!, uid: uid!, controller: true, blockOwnerDeletion: true };
}

/** A strategic merge patch that makes `owner` the controller of the object that has this uid, and adds finalizers. */
export function adoptionPatch(
  object: TypedObject,
  owner: TypedObject,
  kind: GroupVersionKind,
  finalizers: readonly string[] = [],
): object {
  const { uid } = object.metadata;
  const ownerReferences = [controllerReference(owner, kind)];
  return { metadata: { uid, ownerReferences, ...(finalizers.length > 0 ? { finalizers } : {}) } };
}

/** A strategic merge patch that takes the reference to `owner` away, and finalizers. */
export function releasePatch(object: TypedObject, owner: TypedObject, finalizers: readonly string[] = []): object {
  const ownerReferences = [{ $patch: 'delete', uid: owner.metadata.uid }];
  const kept = finalizers.length > 0 ? { '$deleteFromPrimitiveList/finalizers': finalizers } : {};
  return { metadata: { uid: object.metadata.uid, ownerReferences, ...kept } };
}

export interface Claim<T extends TypedObject> {
  readonly owner: TypedObject;
  /** Whether the owner wants the object: its selector matches, and whatever else counts. */
  readonly wants: (object: T) => boolean;
  /** Asked once, before the first adoption: throws if the owner is being deleted or was replaced, as the server sees it. */
  readonly mayAdopt: () => Promise<void>;
  readonly adopt: (object: T) => Promise<unknown>;
  readonly release: (object: T) => Promise<unknown>;
}

/**
 * Adopts orphans that are wanted, releases what is owned and not wanted.
 * @returns what the owner has now
 * @throws AggregateError of what went wrong; an object that is gone, or was changed when it was to be released, is no failure
 */
export async function claim<T extends TypedObject>(objects: readonly T[], options: Claim<T>): Promise<T[]> {
  const claimed: T[] = [];
  const errors: unknown[] = [];
  let permission: Promise<void> | undefined;
  for (const object of objects) {
    const decision = decide(object, options);
    try {
      if (decision === 'adopt') {
        permission ??= options.mayAdopt();
        await permission;
        await options.adopt(object);
      } else if (decision === 'release') await options.release(object);
      if (decision === 'keep' || decision === 'adopt') claimed.push(object);
    } catch (error) {
      const harmless = hasReason(error, 'NotFound') || (decision === 'release' && hasReason(error, 'Invalid'));
      if (!harmless) errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => (error as Error).message).join('; '));
  return claimed;
}

function decide<T extends TypedObject>(object: T, { owner, wants }: Claim<T>): 'keep' | 'adopt' | 'release' | 'ignore' {
  const controller = controllerOf(object);
  const { uid, deletionTimestamp, namespace } = owner.metadata;
  if (controller) {
    if (controller.uid !== uid) return 'ignore';
    if (wants(object)) return 'keep';
    return deletionTimestamp ? 'ignore' : 'release';
  }
  if (deletionTimestamp || object.metadata.deletionTimestamp || !wants(object)) return 'ignore';
  if (namespace && namespace !== object.metadata.namespace) return 'ignore';
  return 'adopt';
}
