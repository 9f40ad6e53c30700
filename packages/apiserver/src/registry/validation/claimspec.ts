/** What a volume claim asks for, in claims and in their templates (core/validation ValidatePersistentVolumeClaimSpec). */
import { type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { PersistentVolumeClaimSpec, TypedObjectReference } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isDNS1123Subdomain, nameIsDNSLabel } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';
import { type LabelSelectorOptions, validateLabelSelector } from './labelselector.ts';
import { validatePositiveQuantity, validateResourceQuantity } from './resources.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];

export interface ClaimSpecOptions extends LabelSelectorOptions {
  /** For updates of claims whose data source names an API group. */
  readonly allowInvalidAPIGroupInDataSourceOrRef?: boolean;
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, options: ClaimSpecOptions, path: Path): ErrorList {
  const { selector, storageClassName, volumeMode, dataSource, dataSourceRef, volumeAttributesClassName } = spec;
  const errors = [
    ...validateAccessModes(spec.accessModes ?? [], selector, options, path),
    ...validateStorageRequest(spec.resources?.requests?.storage, path.child('resources').key('storage')),
    ...validateClassName(storageClassName, path.child('storageClassName')),
  ];
  if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode))
    errors.push(notSupported(path.child('volumeMode'), volumeMode, VOLUME_MODES));
  if (dataSource) errors.push(...validateDataSource(dataSource, options, path.child('dataSource')));
  if (dataSourceRef) {
    errors.push(...validateDataSource(dataSourceRef, options, path.child('dataSourceRef')));
    const { namespace = '' } = dataSourceRef;
    if (namespace !== '')
      errors.push(...invalidFor(path.child('dataSourceRef', 'namespace'), namespace, nameIsDNSLabel(namespace, false)));
  }
  if (dataSource && dataSourceRef) {
    // Upstream shows a path where a value belongs, and paths are empty as JSON.
    if (dataSourceRef.namespace)
      errors.push(invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified'));
    else if (!isSameSource(dataSource, dataSourceRef)) errors.push(invalid(path, {}, 'must match dataSourceRef'));
  }
  return [...errors, ...validateClassName(volumeAttributesClassName, path.child('volumeAttributesClassName'))];
}

function validateAccessModes(
  modes: readonly string[],
  selector: PersistentVolumeClaimSpec['selector'],
  options: ClaimSpecOptions,
  path: Path,
): ErrorList {
  const at = path.child('accessModes');
  const errors: ErrorList = modes.length === 0 ? [required(at, 'at least 1 access mode is required')] : [];
  errors.push(...validateLabelSelector(selector, options, path.child('selector')));
  for (const mode of modes) if (!ACCESS_MODES.includes(mode)) errors.push(notSupported(at, mode, ACCESS_MODES));
  const alone = modes.includes('ReadWriteOncePod');
  if (alone && modes.some((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode)))
    errors.push(forbidden(at, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

function validateStorageRequest(amount: string | undefined, path: Path): ErrorList {
  if (amount === undefined) return [required(path)];
  const errors = validatePositiveQuantity(amount, path);
  return errors.length > 0 ? errors : validateResourceQuantity('storage', amount, path);
}

function validateClassName(name: string | undefined, path: Path): ErrorList {
  return name ? invalidFor(path, name, isDNS1123Subdomain(name)) : [];
}

function validateDataSource(
  { name, kind, ...reference }: Omit<TypedObjectReference, 'namespace'>,
  options: ClaimSpecOptions,
  path: Path,
): ErrorList {
  const apiGroup = reference.apiGroup ?? '';
  const errors: ErrorList = [];
  if (!name) errors.push(required(path.child('name')));
  if (!kind) errors.push(required(path.child('kind')));
  if (apiGroup === '' && kind !== 'PersistentVolumeClaim')
    errors.push(invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  if (apiGroup !== '' && !options.allowInvalidAPIGroupInDataSourceOrRef)
    errors.push(...invalidFor(path.child('apiGroup'), apiGroup, isDNS1123Subdomain(apiGroup)));
  return errors;
}

function isSameSource(a: Omit<TypedObjectReference, 'namespace'>, b: TypedObjectReference): boolean {
  return (a.apiGroup ?? null) === (b.apiGroup ?? null) && a.kind === b.kind && a.name === b.name;
}

/** Amounts that are no whole bytes (pkg/api/persistentvolumeclaim). */
export function warningsForClaimSpec({ resources }: PersistentVolumeClaimSpec, path: Path): string[] {
  return (['requests', 'limits'] as const).flatMap((key) => {
    const amount = resources?.[key]?.storage;
    if (amount === undefined || Quantity.parse(amount).milliValue() % 1000n === 0n) return [];
    const at = path.child('resources', key).key('storage');
    return [`${at}: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`];
  });
}
