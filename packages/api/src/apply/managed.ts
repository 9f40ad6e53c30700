/**
 * `metadata.managedFields`: who owns which fields.
 * Behaviour: k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go.
 */

import { compareStrings } from '../codec/go-order.ts';
import { quote } from '../field.ts';
import type { ManagedFieldsEntry } from '../object.ts';
import { isObject } from '../patch/value.ts';
import type { Time } from '../scalars.ts';
import { FieldsError } from './element.ts';
import { type FieldSet, parseFieldSet, union } from './fieldset.ts';

export type Operation = 'Apply' | 'Update';

/** Who made a write: all that tells managers apart. */
export interface Writer {
  readonly manager: string;
  readonly operation: Operation;
  /** Appliers keep their identity over versions. */
  readonly apiVersion: string;
  /** Empty for the object itself. */
  readonly subresource: string;
}

/** A manager with what it owns. */
export interface Owner extends Writer {
  readonly fields: FieldSet;
  /** Of the last write that changed something; some entries never had one. */
  readonly time: Time | undefined;
}

/** All owners of an object by their identity. */
export type Managed = ReadonlyMap<string, Owner>;

/** The identity of a manager. It also is the order of managers where there is no other. */
export function identify(w: Writer): string {
  const parts = [];
  if (w.manager !== '') parts.push(`"manager":${JSON.stringify(w.manager)}`);
  parts.push(`"operation":"${w.operation}"`);
  if (w.operation !== 'Apply' && w.apiVersion !== '') parts.push(`"apiVersion":${JSON.stringify(w.apiVersion)}`);
  if (w.subresource !== '') parts.push(`"subresource":${JSON.stringify(w.subresource)}`);
  return `{${parts.join(',')}}`;
}

/** @throws FieldsError for entries that are malformed */
export function decodeManaged(entries: readonly ManagedFieldsEntry[] | null | undefined): Managed {
  const managed = new Map<string, Owner>();
  for (const [i, entry] of (entries ?? []).entries()) {
    const { operation, apiVersion = '', fieldsType = '' } = entry;
    if (operation !== 'Apply' && operation !== 'Update') throw new FieldsError('operation must be `Apply` or `Update`');
    if (apiVersion === '') throw new FieldsError('apiVersion must not be empty');
    if (fieldsType === '') throw new FieldsError(`missing fieldsType in managed fields entry ${i}`);
    if (fieldsType !== 'FieldsV1') {
      throw new FieldsError(`invalid fieldsType ${quote(fieldsType)} in managed fields entry ${i}`);
    }
    const { manager = '', subresource = '', time } = entry;
    const fields = parseFieldSet(entry.fieldsV1);
    const owner: Owner = { manager, operation, apiVersion, subresource, fields, time: time ?? undefined };
    managed.set(identify(owner), owner);
  }
  return managed;
}

/** Undefined where nobody owns anything. */
export function encodeManaged(managed: Managed): ManagedFieldsEntry[] | undefined {
  if (managed.size === 0) return undefined;
  const owners = [...managed.values()];
  if (owners.length > 1) owners.sort(compareOwners);
  return owners.map((o) => ({
    ...(o.manager === '' ? {} : { manager: o.manager }),
    operation: o.operation,
    apiVersion: o.apiVersion,
    ...(o.time === undefined ? {} : { time: o.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: o.fields,
    ...(o.subresource === '' ? {} : { subresource: o.subresource }),
  }));
}

/** Appliers before updaters, then by time, by name, by version, by subresource. Times are RFC 3339 in UTC. */
function compareOwners(a: Owner, b: Owner): number {
  return (
    compareStrings(a.operation, b.operation) ||
    compareStrings(a.time ?? '', b.time ?? '') ||
    compareStrings(a.manager, b.manager) ||
    compareStrings(a.apiVersion, b.apiVersion) ||
    compareStrings(a.subresource, b.subresource)
  );
}

/** `[]` and `[{}]` in an update take all ownership away. */
export function isReset(entries: unknown): boolean {
  if (!Array.isArray(entries)) return false;
  if (entries.length === 0) return true;
  return entries.length === 1 && isObject(entries[0]) && Object.keys(entries[0]).length === 0;
}

const MAX_UPDATERS = 10;

/**
 * At most ten updaters: of more, the oldest that use the same version share one entry, "ancient-changes".
 * Behaviour: internal/capmanagers.go.
 */
export function capUpdaters(managed: Managed): Managed {
  const updaters = [...managed].filter(([, o]) => o.operation === 'Update');
  if (updaters.length <= MAX_UPDATERS) return managed;
  updaters.sort(([x, a], [y, b]) => compareStrings(a.time ?? '', b.time ?? '') || compareStrings(x, y));
  const capped = new Map(managed);
  const oldest = new Map<string, string>();
  let count = updaters.length;
  for (const [id, owner] of updaters) {
    if (count <= MAX_UPDATERS) break;
    const first = oldest.get(owner.apiVersion);
    if (first === undefined) {
      oldest.set(owner.apiVersion, id);
      continue;
    }
    const shared = { ...owner, manager: 'ancient-changes', subresource: '' };
    const bucket = identify(shared);
    const before = capped.get(bucket) ?? capped.get(first)!;
    if (!capped.has(bucket)) capped.delete(first);
    capped.set(bucket, { ...shared, fields: union(owner.fields, before.fields) });
    capped.delete(id);
    count--;
  }
  return capped;
}
