/**
 * Who owns what after a write.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/merge/update.go.
 */
import { equal, type JsonObject } from '../patch/value.ts';
import type { Pieces } from '../pieces.ts';
import { compare, without } from './compare.ts';
import { ConflictError, type Conflicts } from './conflict.ts';
import { difference, EMPTY, type FieldSet, intersection, isEmpty, recursiveDifference, union } from './fieldset.ts';
import { identify, type Managed, type Owner, type Writer } from './managed.ts';
import { merge } from './merge.ts';
import { fieldsOf } from './ownership.ts';
import { reconcile } from './reconcile.ts';
import { remove, withNamedParents } from './remove.ts';
import type { ApplySchema } from './schema.ts';
import { validate } from './validate.ts';

/** The versions of a kind: managers own fields in the version in which they wrote. */
export interface Versions {
  /** Undefined for a version that is not served (any more): its managers are forgotten. @throws StatusError where they may not be */
  schema(apiVersion: string): ApplySchema | undefined;
  /** An object in another of its versions, in canonical form. */
  convert(object: JsonObject, apiVersion: string): JsonObject;
}

export interface Rules {
  readonly versions: Versions;
  /** By version, the fields that this endpoint does not write: nobody owns them through it. */
  readonly resetFields: Readonly<Record<string, FieldSet>>;
}

/**
 * After a write that is no apply: what it changed leaves the other managers. Returns them, and what the writer changed.
 * @throws FieldsError
 */
export function* afterUpdate(
  rules: Rules,
  before: JsonObject,
  after: JsonObject,
  apiVersion: string,
  managed: Managed,
): Pieces<{ managed: Map<string, Owner>; changed: FieldSet }> {
  const change = new Change(rules, before, after);
  const changed = change.at(apiVersion)!.written;
  yield;
  const owners = reconcileAll(rules, managed);
  yield;
  return { managed: yield* giveUp(change, owners, undefined, true), changed };
}

/**
 * Lays a configuration over an object: fields that the writer applied before and leaves out now go, unless others own
 * them. `object` is undefined where that changes nothing.
 * @throws FieldsError, ConflictError
 */
export function* afterApply(
  rules: Rules,
  live: JsonObject,
  config: JsonObject,
  writer: Writer,
  managed: Managed,
  force: boolean,
): Pieces<{ managed: Map<string, Owner>; object: JsonObject | undefined }> {
  const { apiVersion } = writer;
  const schema = rules.versions.schema(apiVersion)!;
  const id = identify(writer);
  const owners = reconcileAll(rules, managed);
  yield;
  const last = owners.get(id);
  const applied = fieldsOf(config, schema);
  yield;
  const fields = recursiveDifference(applied, rules.resetFields[apiVersion] ?? EMPTY);
  owners.set(id, { ...writer, fields, time: last?.time });
  yield;
  const merged = merge(live, config, schema);
  yield;
  const object = yield* prune(rules.versions, merged, apiVersion, owners, last);
  yield;
  const left = yield* giveUp(new Change(rules, live, object), owners, id, force);
  yield;
  return { managed: left, object: equal(live, object) ? undefined : object };
}

/** A write, seen in the versions of its managers. */
class Change {
  readonly #rules: Rules;
  readonly #before: JsonObject;
  readonly #after: JsonObject;
  readonly #versions = new Map<string, VersionedChange | undefined>();

  constructor(rules: Rules, before: JsonObject, after: JsonObject) {
    this.#rules = rules;
    this.#before = before;
    this.#after = after;
  }

  at(apiVersion: string): VersionedChange | undefined {
    if (!this.#versions.has(apiVersion)) this.#versions.set(apiVersion, this.#compare(apiVersion));
    return this.#versions.get(apiVersion);
  }

  #compare(apiVersion: string): VersionedChange | undefined {
    const { versions, resetFields } = this.#rules;
    const schema = versions.schema(apiVersion);
    if (!schema) return undefined;
    const before = inVersion(versions, this.#before, apiVersion);
    const after = inVersion(versions, this.#after, apiVersion);
    const { added, modified, removed } = without(compare(before, after, schema), resetFields[apiVersion]);
    return { written: union(modified, added), removed };
  }
}

interface VersionedChange {
  /** What was added or got another value. */
  readonly written: FieldSet;
  readonly removed: FieldSet;
}

/** @throws FieldsError for an object that does not fit the other version; there it may not have duplicates either */
function inVersion(versions: Versions, object: JsonObject, apiVersion: string): JsonObject {
  if (object.apiVersion === apiVersion) return object;
  const converted = versions.convert(object, apiVersion);
  validate(converted, versions.schema(apiVersion)!, 'forbidden');
  return converted;
}

/** Whoever owns nothing any more is dropped. `writer` keeps what it has. */
function* giveUp(
  change: Change,
  managed: ReadonlyMap<string, Owner>,
  writer: string | undefined,
  force: boolean,
): Pieces<Map<string, Owner>> {
  const conflicts = new Map<string, { owner: Owner; fields: FieldSet }>();
  const left = new Map<string, Owner>();
  for (const [id, owner] of managed) {
    let { fields } = owner;
    if (id !== writer) {
      const versioned = change.at(owner.apiVersion);
      if (!versioned) continue;
      yield;
      const lost = intersection(fields, versioned.written);
      if (!isEmpty(lost)) conflicts.set(id, { owner, fields: lost });
      yield;
      const kept = difference(fields, lost);
      yield;
      fields = difference(kept, versioned.removed);
    }
    if (!isEmpty(fields)) left.set(id, fields === owner.fields ? owner : { ...owner, fields });
    yield;
  }
  if (!force && conflicts.size > 0) throw new ConflictError(conflicts as Conflicts);
  return left;
}

function reconcileAll({ versions }: Rules, managed: Managed): Map<string, Owner> {
  const owners = new Map<string, Owner>();
  for (const [id, owner] of managed) {
    const schema = versions.schema(owner.apiVersion);
    if (!schema) continue;
    const fields = reconcile(owner.fields, schema);
    owners.set(id, fields === owner.fields ? owner : { ...owner, fields });
  }
  return owners;
}

/** Removes what `last` applied from `merged`, then puts back what anyone owns, and what `last` did not bring. */
function* prune(
  versions: Versions,
  merged: JsonObject,
  apiVersion: string,
  owners: ReadonlyMap<string, Owner>,
  last: Owner | undefined,
): Pieces<JsonObject> {
  if (!last || isEmpty(last.fields)) return merged;
  const schema = versions.schema(last.apiVersion);
  if (!schema) return merged;
  const whole = inVersion(versions, merged, last.apiVersion);
  const lastFields = withNamedParents(last.fields, schema);
  yield;
  const unowned = remove(whole, lastFields, schema);
  yield;
  const wholeFields = yield* namedFieldsOf(whole, schema);
  yield;
  const kept = yield* keepOwned(versions, whole, wholeFields, unowned, owners, last.apiVersion);
  const pruned = inVersion(versions, kept, last.apiVersion);
  yield;
  const prunedFields = yield* namedFieldsOf(pruned, schema);
  yield;
  const missing = difference(wholeFields, prunedFields);
  yield;
  return inVersion(versions, remove(whole, intersection(missing, lastFields), schema), apiVersion);
}

/** With the fields that lead to them. */
function* namedFieldsOf(object: JsonObject, schema: ApplySchema): Pieces<FieldSet> {
  const fields = fieldsOf(object, schema);
  yield;
  return withNamedParents(fields, schema);
}

/**
 * `pruned`, with what any of the owners has; in the version of the last of them.
 * @param wholeFields of `whole`, with named parents
 */
function* keepOwned(
  versions: Versions,
  whole: JsonObject,
  wholeFields: FieldSet,
  pruned: JsonObject,
  owners: ReadonlyMap<string, Owner>,
  prunedVersion: string,
): Pieces<JsonObject> {
  const owned = new Map<string, FieldSet>();
  for (const owner of owners.values()) {
    owned.set(owner.apiVersion, union(owned.get(owner.apiVersion) ?? EMPTY, owner.fields));
  }
  // The version that was pruned first: a conversion may need what the others own there.
  const order = [prunedVersion, ...[...owned.keys()].filter((v) => v !== prunedVersion)];
  let [from, to] = [whole, pruned];
  for (const version of order) {
    const fields = owned.get(version);
    const schema = fields && versions.schema(version);
    if (!schema) continue;
    from = inVersion(versions, from, version);
    to = inVersion(versions, to, version);
    yield;
    const present = yield* namedFieldsOf(to, schema);
    yield;
    const kept = union(present, withNamedParents(fields, schema));
    yield;
    const all = from === whole ? wholeFields : yield* namedFieldsOf(from, schema);
    yield;
    const surplus = difference(all, kept);
    yield;
    to = remove(from, surplus, schema);
  }
  return to;
}
