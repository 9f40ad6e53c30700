/** What a write says of the object that it expects (apiserver/pkg/storage/interfaces.go, Preconditions). */
import { conflict, invalid, StatusError } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { KubeObject } from '@keelson/api/object';
import type { CachedObject } from './cached-objects.ts';
import { type ResourceDefinition, ROOT } from './resource.ts';
import type { Strategy } from './strategy.ts';

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

const OPTIMISTIC_LOCK_MESSAGE =
  'the object has been modified; please apply your changes to the latest version and try again';

export interface Expected {
  readonly definition: ResourceDefinition;
  readonly name: string;
  readonly key: string;
  /** A dry run does not come as far as the store, which knows under which root its keys lie. */
  readonly dryRun: boolean;
}

/** What a precondition asks for and an object is not. */
export interface Mismatch {
  readonly what: 'UID' | 'ResourceVersion';
  readonly wanted: string;
  readonly found: string;
}

/** @param metadata undefined: there is no object. @returns undefined when all holds; of two mismatches the first */
export function mismatchOf(
  { uid, resourceVersion }: Preconditions,
  metadata: KubeObject['metadata'] | undefined,
): Mismatch | undefined {
  const compare = (what: Mismatch['what'], wanted: string | undefined, found = ''): Mismatch | undefined =>
    wanted === undefined || wanted === found ? undefined : { what, wanted, found };
  return compare('UID', uid, metadata?.uid) ?? compare('ResourceVersion', resourceVersion, metadata?.resourceVersion);
}

export const wordsOf = ({ what, wanted, found }: Mismatch): string =>
  `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`;

/** As the storage says it. @param existing undefined: there is none. @throws StatusError 409 */
export function checkPreconditions(
  preconditions: Preconditions,
  existing: KubeObject | undefined,
  { definition, name, key, dryRun }: Expected,
): void {
  const mismatch = mismatchOf(preconditions, existing?.metadata);
  if (!mismatch) return;
  const shown = dryRun ? key.slice(ROOT.length) : key;
  throw conflict(
    definition,
    name,
    `StorageError: invalid object, Code: 4, Key: ${shown}, ResourceVersion: 0, AdditionalErrorMsg: ${wordsOf(mismatch)}`,
  );
}

/**
 * Of an update: the object's own resourceVersion, which becomes that of what is stored where it has none and the kind lets it.
 * @throws StatusError 409, 422; 500 for what is no number
 */
export function checkResourceVersion(
  { definition, name }: Pick<Expected, 'definition' | 'name'>,
  object: KubeObject,
  current: CachedObject,
  { allowUnconditionalUpdate = true }: Strategy,
): void {
  const given = revisionSaidBy(object);
  if (given === current.revision) return;
  if (given !== 0) throw conflict(definition, name, OPTIMISTIC_LOCK_MESSAGE);
  if (!allowUnconditionalUpdate) {
    const error = field.invalid(field.Path.of('metadata', 'resourceVersion'), 0, 'must be specified for an update');
    throw invalid(definition.group, definition.resource, name, [error]);
  }
  object.metadata.resourceVersion = String(current.revision);
}

/** Zero for none. @throws StatusError 500 in the words of Go's ParseUint */
export function revisionSaidBy({ metadata }: KubeObject): number {
  const text = metadata.resourceVersion ?? '';
  if (/^\d*$/.test(text)) return Number(text);
  throw new StatusError(500, '', `strconv.ParseUint: parsing ${field.quote(text)}: invalid syntax`);
}
