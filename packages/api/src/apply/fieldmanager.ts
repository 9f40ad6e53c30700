/**
 * Field management of one endpoint of a kind: every write passes here, and leaves `metadata.managedFields` behind.
 * Behaviour: k8s.io/apimachinery/pkg/util/managedfields/internal (fieldmanager.go and the chain of managers that
 * NewDefaultFieldManager builds).
 */
import { badRequest, StatusError } from '../errors.ts';
import {
  apiVersionOf,
  type GroupVersionKind,
  type KubeObject,
  type ManagedFieldsEntry,
  parseApiVersion,
} from '../object.ts';
import { plainError } from '../patch/errors.ts';
import { isObject, type JsonObject } from '../patch/value.ts';
import { atOnce, type Pieces } from '../pieces.ts';
import type { Time } from '../scalars.ts';
import { ConflictError, conflictStatus } from './conflict.ts';
import { FieldsError } from './element.ts';
import { difference, type FieldSet, isEmpty, recursiveDifference, setOf, union } from './fieldset.ts';
import { allowedByLastApplied, withLastApplied } from './lastapplied.ts';
import {
  capUpdaters,
  decodeManaged,
  encodeManaged,
  identify,
  isReset,
  type Managed,
  type Operation,
  type Owner,
  type Writer,
} from './managed.ts';
import { afterApply, afterUpdate, type Rules, type Versions } from './owners.ts';
import type { ApplySchema } from './schema.ts';
import { validate } from './validate.ts';

export interface FieldManagerOptions {
  /** What the endpoint reads and writes; live and new objects come in this version. */
  readonly kind: GroupVersionKind;
  /** An object of the kind before anything is written: `{}` in canonical form. */
  readonly empty: JsonObject;
  readonly versions: Versions;
  /** Objects have been read without the schema: what does not fit it may be in them. */
  readonly isUntyped?: boolean;
  /** `status`, `scale`…; empty for the object itself. */
  readonly subresource?: string;
  readonly resetFields?: Readonly<Record<string, FieldSet>>;
  /** Drops what would not be written, for objects that come with it; by default they do not. */
  readonly canonical?: (object: KubeObject) => KubeObject;
}

/** Of these nobody is owner. */
const NEVER_OWNED = setOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map((name) => ['f:metadata', `f:${name}`]),
);

export class FieldManager {
  readonly #kind: GroupVersionKind;
  readonly #apiVersion: string;
  readonly #empty: JsonObject;
  readonly #subresource: string;
  readonly #rules: Rules;
  readonly #isUntyped: boolean;
  readonly #canonical: (object: KubeObject) => KubeObject;

  constructor(options: FieldManagerOptions) {
    this.#kind = options.kind;
    this.#apiVersion = apiVersionOf(options.kind);
    this.#empty = { ...options.empty, apiVersion: this.#apiVersion, kind: options.kind.kind };
    this.#subresource = options.subresource ?? '';
    this.#isUntyped = options.isUntyped ?? false;
    this.#canonical = options.canonical ?? ((object) => object);
    this.#rules = { versions: options.versions, resetFields: options.resetFields ?? {} };
  }

  /**
   * A create (`live` is undefined), an update or a patch other than apply: returns `next` with its managedFields. Those
   * in `next` count (a client may edit them; `[]` and `[{}]` clear them), but not on a subresource. An object that has
   * none stays without. What the fields cannot be told of is stored without managedFields, rather than refused.
   */
  update(live: KubeObject | undefined, next: KubeObject, manager: string, now: Time): KubeObject {
    return atOnce(this.updating(live, next, manager, now));
  }

  /** The same in pieces. */
  *updating(live: KubeObject | undefined, next: KubeObject, manager: string, now: Time): Pieces<KubeObject> {
    const object = withoutManaged(next);
    const canonical = this.#canonical(object);
    yield;
    try {
      const managed = this.#managedOf(live, next);
      yield;
      if (managed.size === 0 && live?.metadata.uid) return object;
      const before = live ? withoutManaged(live) : this.#empty;
      for (const each of this.#isUntyped ? [canonical, before] : []) {
        validate(each, this.#schema, 'allowed');
        yield;
      }
      const owners = yield* this.#update(before, canonical, manager, managed, now);
      yield;
      return withManaged(object, owners);
    } catch (e) {
      if (e instanceof FieldsError || e instanceof StatusError) return object;
      throw e;
    }
  }

  /**
   * A server-side apply: returns `live` (undefined for a create) with `config` laid over it, not yet in canonical form
   * nor defaulted. An apply that changes nothing leaves the object and its times as they are.
   * @throws StatusError 400 for another kind or for managedFields in `config`, 409 for conflicts unless `force`,
   * 500 for a configuration that does not fit the schema
   */
  apply(live: KubeObject | undefined, config: unknown, manager: string, force: boolean, now: Time): KubeObject {
    return atOnce(this.applying(live, config, manager, force, now));
  }

  /** The same in pieces. */
  *applying(
    live: KubeObject | undefined,
    config: unknown,
    manager: string,
    force: boolean,
    now: Time,
  ): Pieces<KubeObject> {
    const applied = isObject(config) ? config : {};
    let managed = this.#decode(live);
    yield;
    this.#checkKind(applied);
    const before = live ? withoutManaged(live) : this.#empty;
    if (managed.size === 0 && live) {
      // What nobody owned until now has an owner, with whom an apply may be in conflict.
      this.#validate(
        'failed to create manager for existing fields: failed to convert new object',
        before,
        ' to smd typed',
      );
      yield;
      managed = yield* this.#update(this.#empty, before, 'before-first-apply', managed, now);
      yield;
    }
    const metadata = isObject(applied.metadata) ? applied.metadata : {};
    const entries = metadata.managedFields;
    if (Array.isArray(entries) && entries.every(isObject)) throw badRequest('metadata.managedFields must be nil');
    this.#validate('failed to create typed patch object', applied, '', 'forbidden');
    yield;
    this.#validate('failed to create typed live object', before);
    yield;
    const { object, owners } = yield* this.#applyAs(manager, before, applied, managed, force, now);
    yield;
    const result = withManaged(object as KubeObject, owners);
    return manager === 'kubectl' ? withLastApplied(result, applied) : result;
  }

  #decode(live: KubeObject | undefined): Managed {
    try {
      return decodeManaged(live?.metadata.managedFields);
    } catch (e) {
      throw e instanceof FieldsError ? plainError(`failed to decode managed fields: ${e.message}`) : e;
    }
  }

  /** 500 for an object that does not fit the schema; `what` and `more` stand around its name in the message. */
  #validate(what: string, object: JsonObject, more = '', duplicates: 'allowed' | 'forbidden' = 'allowed'): void {
    try {
      validate(object, this.#schema, duplicates);
    } catch (e) {
      throw e instanceof FieldsError ? plainError(`${what} (${describe(object, this.#kind)})${more}: ${e.message}`) : e;
    }
  }

  #checkKind(config: JsonObject): void {
    const gvk = kindOf(config);
    const { group, version, kind } = this.#kind;
    if (gvk.group === group && gvk.version === version && gvk.kind === kind) return;
    throw badRequest(`invalid object type: ${showKind(gvk)}`);
  }

  *#applyAs(
    manager: string,
    live: JsonObject,
    config: JsonObject,
    managed: Managed,
    force: boolean,
    now: Time,
  ): Pieces<{ object: JsonObject; owners: Managed }> {
    const writer = this.#writer(manager, 'Apply');
    try {
      const result = yield* afterApply(this.#rules, live, config, writer, managed, force);
      yield;
      return { object: result.object ?? live, owners: this.#settle(result.managed, writer, result.object && now) };
    } catch (e) {
      if (e instanceof FieldsError) throw plainError(e.message);
      if (!(e instanceof ConflictError)) throw e;
      const conflicts =
        manager === 'kubectl' ? allowedByLastApplied(e.conflicts, live, this.#apiVersion, this.#schema) : e.conflicts;
      yield;
      if (conflicts.size > 0) throw conflictStatus(conflicts);
      return yield* this.#applyAs(manager, live, config, managed, true, now);
    }
  }

  /** The applier's set without what is never owned, and its time if something changed. */
  #settle(managed: Map<string, Owner>, writer: Writer, time: Time | undefined): Managed {
    const id = identify(writer);
    const owner = managed.get(id);
    if (!owner) return managed;
    const fields = difference(owner.fields, NEVER_OWNED);
    if (isEmpty(fields)) managed.delete(id);
    else managed.set(id, { ...owner, fields, time: time ?? owner.time });
    return managed;
  }

  *#update(before: JsonObject, after: JsonObject, manager: string, managed: Managed, now: Time): Pieces<Managed> {
    const writer = this.#writer(manager, 'Update');
    const change = yield* afterUpdate(this.#rules, before, after, this.#apiVersion, managed);
    yield;
    const reset = this.#rules.resetFields[this.#apiVersion];
    const kept = reset ? recursiveDifference(change.changed, reset) : change.changed;
    const fields = difference(kept, NEVER_OWNED);
    yield;
    if (!isEmpty(fields)) {
      const id = identify(writer);
      const previous = change.managed.get(id);
      change.managed.set(id, { ...writer, fields: previous ? union(fields, previous.fields) : fields, time: now });
    }
    return capUpdaters(change.managed);
  }

  get #schema(): ApplySchema {
    return this.#rules.versions.schema(this.#apiVersion)!;
  }

  #writer(manager: string, operation: Operation): Writer {
    const name = manager === '' ? 'unknown' : manager;
    return { manager: name, operation, apiVersion: this.#apiVersion, subresource: this.#subresource };
  }

  /** The owners that an update starts from. */
  #managedOf(live: KubeObject | undefined, next: KubeObject): Managed {
    const own = next.metadata?.managedFields;
    if (this.#subresource === '') {
      if (isReset(own)) return new Map();
      const managed = tryDecode(own);
      if (managed && managed.size > 0) return managed;
    }
    return tryDecode(live?.metadata.managedFields) ?? new Map();
  }
}

function tryDecode(entries: ManagedFieldsEntry[] | null | undefined): Managed | undefined {
  try {
    return decodeManaged(entries);
  } catch (e) {
    if (e instanceof FieldsError) return undefined;
    throw e;
  }
}

function withoutManaged<T extends KubeObject>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
function withManaged(object: KubeObject, managed: Managed): KubeObject {
  const managedFields = encodeManaged(managed);
  return managedFields ? { ...object, metadata: { ...object.metadata, managedFields } } : object;
}

function kindOf(config: JsonObject): GroupVersionKind {
  const apiVersion = typeof config.apiVersion === 'string' ? config.apiVersion : '';
  const kind = typeof config.kind === 'string' ? config.kind : '';
  try {
    return { ...parseApiVersion(apiVersion), kind };
  } catch {
    return { group: '', version: '', kind: '' };
  }
}
/** `apps/v1, Kind=Deployment`; core kinds keep the slash. */
export function showKind({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}, Kind=${kind}`;
}
/** `namespace/name; apps/v1, Kind=Deployment` */
export function describe(object: unknown, kind: GroupVersionKind): string {
  const { namespace, name } = isObject(object) && isObject(object.metadata) ? object.metadata : {};
  return `${typeof namespace === 'string' ? namespace : ''}/${typeof name === 'string' ? name : ''}; ${showKind(kind)}`;
}
