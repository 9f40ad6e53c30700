/** Resources within resources: their metadata (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta). */

import { inOrder } from '@keelson/api/codec/canonical';
import { decodeExactly } from '@keelson/api/codec/exact';
import { compareStrings } from '@keelson/api/codec/go-order';
import { normalize } from '@keelson/api/codec/json';
import { stringify } from '@keelson/api/codec/stringify';
import { type ErrorList, type FieldError, invalid, Path, required } from '@keelson/api/field';
import { type KubeObject, type ObjectMeta, parseApiVersion } from '@keelson/api/object';
import { isPieceOver, type Pieces } from '@keelson/api/pieces';
import { structType } from '@keelson/api/schema';
import { isDNS1035Label, nameIsPathSegment } from '@keelson/api/validation/names';
import { validateObjectMeta } from '../../registry/validation/objectmeta.ts';
import { isObject, type Json, type Structural } from './structural.ts';

const OBJECT_META = structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

/** Thrown for metadata that is none. */
export class MalformedMetadata extends Error {
  override readonly name = 'MalformedMetadata';
  readonly error: FieldError;

  constructor(error: FieldError) {
    super(error.toString());
    this.error = error;
  }
}

/**
 * Puts the metadata of embedded resources into its canonical form. In place.
 * @param dropsMalformed whether fields of a wrong type are dropped
 * @returns the paths of unknown fields, which are dropped, sorted
 * @throws MalformedMetadata where fields of a wrong type are not dropped
 */
export function coerceEmbedded(value: unknown, schema: Structural, path: Path, dropsMalformed: boolean): string[] {
  const unknown: string[] = [];
  for (const [object, at] of resourcesIn(value, schema, path)) coerce(object, at, dropsMalformed, unknown);
  return unknown.sort(compareStrings);
}

/** With their paths; the outer ones first. */
function* resourcesIn(
  value: unknown,
  schema: Structural | undefined,
  path: Path,
): Generator<[Record<string, unknown>, Path]> {
  if (!schema?.holds.embedded) return;
  const { embedded, items, properties, additional } = schema;
  if (embedded && isObject(value)) yield [value as Record<string, unknown>, path];
  if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* resourcesIn(item, items, path.index(i));
  else if (isObject(value))
    for (const [name, member] of Object.entries(value)) {
      if (typeof member !== 'object' || member === null) continue;
      const property = properties.get(name);
      if (property) yield* resourcesIn(member, property, path.child(name));
      else if (typeof additional === 'object') yield* resourcesIn(member, additional, path.key(name));
    }
}

function coerce(object: Record<string, unknown>, path: Path, dropsMalformed: boolean, unknown: string[]): void {
  for (const name of ['apiVersion', 'kind']) {
    if (!Object.hasOwn(object, name) || typeof object[name] === 'string') continue;
    if (!dropsMalformed) throw new MalformedMetadata(invalid(path.child(name), object[name], 'must be a string'));
    delete object[name];
  }
  if (!Object.hasOwn(object, 'metadata')) return;
  const at = path.child('metadata');
  const strictErrors = decodable(object, at, dropsMalformed);
  if (!strictErrors) return;
  for (const text of strictErrors) unknown.push(`${at}.${JSON.parse(text.slice(text.indexOf('"')))}`);
  // Nobody knows the type of a custom resource when it is written: its members stand in the order of their names.
  const metadata = inOrder(normalize(object.metadata, OBJECT_META)) as Record<string, unknown>;
  if (metadata.creationTimestamp === null) delete metadata.creationTimestamp;
  object.metadata = metadata;
}

/** Drops what is no metadata of an object, or of a wrong type; without a generation it is the first. In place. */
export function repairMetadata(object: KubeObject): void {
  if (!isSound(object.metadata)) coerce(object, Path.root, true, []);
  if (!isObject(object.metadata)) object.metadata = {};
  object.metadata.generation ||= 1;
}

const isText = (value: unknown): boolean => typeof value === 'string';
const areTexts = (value: unknown): boolean => isObject(value) && Object.values(value).every(isText);

/** What most metadata consists of. */
const SOUND: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isText,
  namespace: isText,
  uid: isText,
  generateName: isText,
  creationTimestamp: isText,
  generation: Number.isInteger,
  labels: areTexts,
  annotations: areTexts,
  managedFields: Array.isArray,
  ownerReferences: Array.isArray,
  finalizers: Array.isArray,
};

/** Whether it certainly is metadata: a look that is cheap, for each object that is read. */
function isSound(metadata: unknown): boolean {
  return isObject(metadata) && Object.entries(metadata).every(([name, value]) => SOUND[name]?.(value) ?? false);
}

/** `unknown field "…"`; undefined for what is no metadata at all and stays as it is. */
function decodable(
  object: Record<string, unknown>,
  path: Path,
  dropsMalformed: boolean,
): readonly string[] | undefined {
  try {
    return strictErrorsOf(object.metadata);
  } catch (error) {
    if (!dropsMalformed) throw new MalformedMetadata(invalid(path, object.metadata, (error as Error).message));
  }
  if (!isObject(object.metadata)) return undefined;
  const readable = Object.entries(object.metadata).filter(([name, value]) => isDecodable({ [name]: value }));
  object.metadata = Object.fromEntries(readable);
  return strictErrorsOf(object.metadata);
}

/** @throws Error where a field has a wrong type, or is no time */
function strictErrorsOf(metadata: unknown): readonly string[] {
  const { strictErrors } = decodeExactly(stringify(metadata), OBJECT_META, true);
  normalize(metadata, OBJECT_META);
  return strictErrors;
}

function isDecodable(metadata: Json): boolean {
  try {
    strictErrorsOf(metadata);
    return true;
  } catch {
    return false;
  }
}

/** @param schema that of the object that the path leads to */
export function* validateEmbedded(value: unknown, schema: Structural, path: Path): Pieces<ErrorList> {
  const errors: ErrorList = [];
  for (const [object, at] of resourcesIn(value, schema, path)) {
    if (isPieceOver()) yield;
    errors.push(...validateResource(object, at));
  }
  return errors;
}

function validateResource(object: Json, path: Path): ErrorList {
  const errors: ErrorList = ['apiVersion', 'kind'].flatMap((name) =>
    Object.hasOwn(object, name) ? [] : [required(path.child(name))],
  );
  const check = (name: string, problemOf: (value: unknown) => string | undefined) => {
    const problem = Object.hasOwn(object, name) ? problemOf(object[name]) : undefined;
    if (problem !== undefined) errors.push(invalid(path.child(name), object[name], problem));
  };
  check('apiVersion', apiVersionProblem);
  check('kind', kindProblem);
  if (Object.hasOwn(object, 'metadata')) errors.push(...validateMetadata(object.metadata, path.child('metadata')));
  return errors;
}

function apiVersionProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (value === '') return 'must not be empty';
  try {
    parseApiVersion(value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function kindProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (value === '') return 'must not be empty';
  const problems = isDNS1035Label(value.toLowerCase());
  return problems.length > 0 ? `may have mixed case, but should otherwise match: ${problems.join(',')}` : undefined;
}

/** A name is not needed. */
function validateMetadata(value: unknown, path: Path): ErrorList {
  let metadata: ObjectMeta;
  try {
    metadata = normalize(value, OBJECT_META) as ObjectMeta;
  } catch (error) {
    return [invalid(path, value, (error as Error).message)];
  }
  const namespaced = (metadata.namespace ?? '') !== '';
  return validateObjectMeta({ ...metadata, name: metadata.name || 'fakename' }, namespaced, nameIsPathSegment, path);
}
