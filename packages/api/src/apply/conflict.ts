/** The answer to an apply that wants fields of others: 409 with a cause for each field. */

import { compareStrings } from '../codec/go-order.ts';
import { StatusError } from '../errors.ts';
import { quote } from '../field.ts';
import { EMPTY, type FieldPath, type FieldSet, paths, showPath, union } from './fieldset.ts';
import type { Owner } from './managed.ts';

/** What stands in the way, by the identity of the owner. */
export type Conflicts = ReadonlyMap<string, { readonly owner: Owner; readonly fields: FieldSet }>;

/** Thrown where fields are owned by others; becomes a Status in conflictStatus. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
  readonly conflicts: Conflicts;
  constructor(conflicts: Conflicts) {
    super('the fields are owned by others');
    this.conflicts = conflicts;
  }
}

/** All fields in conflict, whoever owns them. */
export function conflictingFields(conflicts: Conflicts): FieldSet {
  return [...conflicts.values()].reduce<FieldSet>((all, c) => union(all, c.fields), EMPTY);
}

/** Upstream: internal/conflict.go. */
export function conflictStatus(conflicts: Conflicts): StatusError {
  const all = [...conflicts]
    .sort(([a], [b]) => compareStrings(a, b))
    .map(([, { owner, fields }]) => ({
      who: describe(owner),
      fields: [...paths(fields)].map((p: FieldPath) => showPath(p)),
    }));
  const count = all.reduce((n, c) => n + c.fields.length, 0);
  const text =
    count === 1
      ? `Apply failed with 1 conflict: conflict with ${all[0]!.who}: ${all[0]!.fields[0]}`
      : `Apply failed with ${count} conflicts: ${all
          .flatMap((c) => [`conflicts with ${c.who}:`, ...c.fields.map((f) => `- ${f}`)])
          .join('\n')}`;
  const causes = all.flatMap((c) =>
    c.fields.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${c.who}`, field })),
  );
  return new StatusError(409, 'Conflict', text, { causes });
}

/** `"kubectl" with subresource "scale" using apps/v1` */
function describe(owner: Owner): string {
  const name = quote(owner.manager);
  const manager = owner.subresource === '' ? name : `${name} with subresource ${quote(owner.subresource)}`;
  return owner.operation === 'Update' ? `${manager} using ${owner.apiVersion}` : manager;
}
