/**
 * Metadata of every object (k8s.io/apimachinery/pkg/api/validation/objectmeta.go), and what the built-in kinds check
 * beyond it (k8s.io/kubernetes/pkg/apis/core/validation).
 */
import { type ErrorList, forbidden, invalid, type Path, quote, required, tooLong } from '@keelson/api/field';
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '@keelson/api/object';
import { isQualifiedName, type NameRule, nameIsDNSLabel } from '@keelson/api/validation/names';
import { immutableField, invalidFor, nonNegative } from './fields.ts';
import { validateLabels } from './labelselector.ts';

const ANNOTATIONS_MAX = 256 * 1024;
const FIELD_MANAGER_MAX = 128;
const SUBRESOURCE_MAX = 256;
const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const STANDARD_FINALIZERS = new Set(['kubernetes', ORPHAN, FOREGROUND]);

/** Metadata of an object that is to be created, its name generated already. */
export function validateObjectMeta(meta: ObjectMeta, namespaced: boolean, nameRule: NameRule, path: Path): ErrorList {
  const errors: ErrorList = [];
  const { name = '', generateName = '' } = meta;
  if (generateName !== '')
    errors.push(...invalidFor(path.child('generateName'), generateName, nameRule(generateName, true)));
  if (name === '') errors.push(required(path.child('name'), 'name or generateName is required'));
  else errors.push(...invalidFor(path.child('name'), name, nameRule(name, false)));
  return [
    ...errors,
    ...validateNamespaceOf(meta, namespaced, path.child('namespace')),
    ...nonNegative(meta.generation ?? 0, path.child('generation')),
    ...validateLabels(meta.labels, path.child('labels')),
    ...validateAnnotations(meta.annotations, path.child('annotations')),
    ...validateOwnerReferences(meta.ownerReferences ?? [], path.child('ownerReferences')),
    ...validateFinalizers(meta.finalizers ?? [], path.child('finalizers')),
    ...validateManagedFields(meta.managedFields ?? [], path.child('managedFields')),
  ];
}

/** The same for built-in kinds: finalizers without a domain must be known ones. */
export function validateKubeObjectMeta(
  meta: ObjectMeta,
  namespaced: boolean,
  nameRule: NameRule,
  path: Path,
): ErrorList {
  return [...validateObjectMeta(meta, namespaced, nameRule, path), ...validateKubeFinalizers(meta, path)];
}

export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (old.deletionTimestamp !== undefined)
    errors.push(...validateNoNewFinalizers(meta.finalizers ?? [], old.finalizers ?? [], path.child('finalizers')));
  if (!meta.resourceVersion) errors.push(invalid(path.child('resourceVersion'), '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(invalid(path.child('generation'), meta.generation ?? 0, 'must not be decremented'));
  for (const key of ['name', 'namespace', 'uid'] as const)
    errors.push(...immutableField(meta[key] ?? '', old[key] ?? '', path.child(key)));
  for (const key of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const)
    errors.push(...immutableField(meta[key], old[key], path.child(key)));
  return [
    ...errors,
    ...validateLabels(meta.labels, path.child('labels')),
    ...validateAnnotations(meta.annotations, path.child('annotations')),
    ...validateOwnerReferences(meta.ownerReferences ?? [], path.child('ownerReferences')),
    ...validateManagedFields(meta.managedFields ?? [], path.child('managedFields')),
  ];
}

/** The same for built-in kinds: finalizers without a domain must be known ones. */
export function validateKubeObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path: Path): ErrorList {
  return [...validateObjectMetaUpdate(meta, old, path), ...validateKubeFinalizers(meta, path)];
}

/** Metadata inside another object (volume claim templates): labels and annotations alone may be set. */
export function validateTemplateObjectMeta(meta: ObjectMeta, path: Path): ErrorList {
  const rest = Object.keys(meta).filter((key) => key !== 'labels' && key !== 'annotations');
  return [
    ...validateAnnotations(meta.annotations, path.child('annotations')),
    ...validateLabels(meta.labels, path.child('labels')),
    ...rest.map((key) => forbidden(path.child(goFieldName(key)), 'cannot be set')),
  ];
}

/** Upstream derives the name from that of Go's field: `UID` becomes `uID`. */
function goFieldName(key: string): string {
  return key === 'uid' ? 'uID' : key;
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: Path): ErrorList {
  const errors: ErrorList = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...invalidFor(path, key, isQualifiedName(key.toLowerCase())));
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATIONS_MAX) errors.push(tooLong(path, ANNOTATIONS_MAX));
  return errors;
}

function validateNamespaceOf(meta: ObjectMeta, namespaced: boolean, path: Path): ErrorList {
  const { namespace = '' } = meta;
  if (!namespaced) return namespace === '' ? [] : [forbidden(path, 'not allowed on this type')];
  return namespace === '' ? [required(path)] : invalidFor(path, namespace, nameIsDNSLabel(namespace, false));
}

function validateOwnerReferences(references: readonly OwnerReference[], path: Path): ErrorList {
  const errors: ErrorList = [];
  let controller = '';
  for (const reference of references) {
    errors.push(...validateOwnerReference(reference, path));
    if (reference.controller !== true) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === '') controller = name;
    else
      errors.push(
        invalid(
          path,
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        ),
      );
  }
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: Path): ErrorList {
  const errors: ErrorList = [];
  const { apiVersion = '', kind = '', name = '', uid = '' } = reference;
  const parts = apiVersion.split('/');
  const version = parts.length > 2 ? '' : parts.at(-1)!;
  if (version === '') errors.push(invalid(path.child('apiVersion'), apiVersion, 'version must not be empty'));
  for (const [key, value] of Object.entries({ kind, name, uid }))
    if (value === '') errors.push(invalid(path.child(key), value, 'must not be empty'));
  if (apiVersion === 'v1' && kind === 'Event')
    errors.push(invalid(path, reference, '/v1, Kind=Event is disallowed from being an owner'));
  return errors;
}

function validateFinalizers(finalizers: readonly string[], path: Path): ErrorList {
  const errors = finalizers.flatMap((finalizer) => invalidFor(path, finalizer, isQualifiedName(finalizer)));
  if (finalizers.includes(ORPHAN) && finalizers.includes(FOREGROUND))
    errors.push(invalid(path, finalizers, `finalizer ${ORPHAN} and ${FOREGROUND} cannot be both set`));
  return errors;
}

function validateNoNewFinalizers(finalizers: readonly string[], old: readonly string[], path: Path): ErrorList {
  const added = [...new Set(finalizers)].filter((finalizer) => !old.includes(finalizer)).sort();
  if (added.length === 0) return [];
  const list = `[]string{${added.map(quote).join(', ')}}`;
  return [
    forbidden(path, `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`),
  ];
}

function validateKubeFinalizers(meta: ObjectMeta, path: Path): ErrorList {
  return (meta.finalizers ?? []).flatMap((finalizer, i) =>
    finalizer.includes('/') || STANDARD_FINALIZERS.has(finalizer)
      ? []
      : [
          invalid(
            path.child('finalizers').index(i),
            finalizer,
            'name is neither a standard finalizer name nor is it fully qualified',
          ),
        ],
  );
}

function validateManagedFields(entries: readonly ManagedFieldsEntry[], path: Path): ErrorList {
  return entries.flatMap((entry, i) => {
    const at = path.index(i);
    const { operation = '', fieldsType = '', manager = '', subresource = '' } = entry;
    const errors: ErrorList = [];
    if (operation !== 'Apply' && operation !== 'Update')
      errors.push(invalid(at.child('operation'), operation, 'must be `Apply` or `Update`'));
    if (fieldsType !== '' && fieldsType !== 'FieldsV1')
      errors.push(invalid(at.child('fieldsType'), fieldsType, 'must be `FieldsV1`'));
    errors.push(...validateFieldManager(manager, at.child('manager')));
    if (Buffer.byteLength(subresource) > SUBRESOURCE_MAX)
      errors.push(tooLong(at.child('subresource'), SUBRESOURCE_MAX));
    return errors;
  });
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Who a write is made for; the empty name passes. */
export function validateFieldManager(manager: string, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (Buffer.byteLength(manager) > FIELD_MANAGER_MAX) errors.push(tooLong(path, FIELD_MANAGER_MAX));
  let position = 0;
  for (const ch of manager) {
    if (!PRINTABLE.test(ch)) {
      const code = ch.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      errors.push(invalid(path, manager, `invalid character U+${code} (at position ${position})`));
    }
    position += Buffer.byteLength(ch);
  }
  return errors;
}
