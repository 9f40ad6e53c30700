/**
 * Owners through the scale subresource: whoever owns the replicas of an object owns `spec.replicas` of its Scale, and the
 * reverse.
 * Behaviour: k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go.
 */
import type { ManagedFieldsEntry } from '../object.ts';
import { plainError } from '../patch/errors.ts';
import { FieldsError } from './element.ts';
import { difference, type FieldPath, has, isEmpty, setOf } from './fieldset.ts';
import { decodeManaged, encodeManaged, type Managed, type Owner } from './managed.ts';

type Entries = readonly ManagedFieldsEntry[] | null | undefined;

/** By version, where an object has its replicas; undefined for a version that has no scale. */
export type ReplicasPaths = Readonly<Record<string, FieldPath | undefined>>;

const SCALE_VERSION = 'autoscaling/v1';
const SCALE_REPLICAS: FieldPath = ['f:spec', 'f:replicas'];

/** The managedFields of the Scale of an object. @throws StatusError 500 for entries that are malformed */
export function scaleManagedFields(parent: Entries, paths: ReplicasPaths): ManagedFieldsEntry[] | undefined {
  const owners = new Map<string, Owner>();
  for (const [id, owner] of decode(parent)) {
    const path = paths[owner.apiVersion];
    if (path && has(owner.fields, path)) {
      owners.set(id, { ...owner, apiVersion: SCALE_VERSION, fields: setOf(SCALE_REPLICAS) });
    }
  }
  return encodeManaged(owners);
}

/**
 * The managedFields of an object after its Scale was written. Who owns the replicas now is written down at `apiVersion`,
 * and has a time only if it had one before (upstream looks for it among the owners of the object).
 * @throws StatusError 500 for entries that are malformed
 */
export function parentManagedFields(
  parent: Entries,
  scale: Entries,
  paths: ReplicasPaths,
  apiVersion: string,
): ManagedFieldsEntry[] | undefined {
  const before = decode(parent);
  const scaleOwners = new Map(decode(scale));
  const owners = new Map<string, Owner>();
  for (const [id, owner] of before) {
    if (!Object.hasOwn(paths, owner.apiVersion)) continue;
    const path = paths[owner.apiVersion];
    if (!path || !has(owner.fields, path) || scaleOwners.delete(id)) {
      owners.set(id, owner);
      continue;
    }
    const fields = difference(owner.fields, setOf(path));
    if (!isEmpty(fields)) owners.set(id, { ...owner, fields });
  }
  const replicas = paths[apiVersion];
  for (const [id, owner] of scaleOwners) {
    if (!replicas || !has(owner.fields, SCALE_REPLICAS)) continue;
    owners.set(id, { ...owner, apiVersion, fields: setOf(replicas), time: before.get(id)?.time });
  }
  return encodeManaged(owners);
}

function decode(entries: Entries): Managed {
  try {
    return decodeManaged(entries);
  } catch (e) {
    throw e instanceof FieldsError ? plainError(e.message) : e;
  }
}
