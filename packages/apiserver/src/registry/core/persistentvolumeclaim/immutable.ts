/** What of a claim may change: its size and attributes class while it is bound (ValidatePersistentVolumeClaimUpdate). */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, Path } from '@keelson/api/field';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { structType } from '@keelson/api/schema';
import { immutableAttributesClass } from '../../validation/attributesclass.ts';
import { immutableName } from '../../validation/fields.ts';
import { internalForm } from '../../validation/internal.ts';
import { diffJSON } from '../../validation/unifieddiff.ts';
import { optionsFor, validateClaim } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.core.v1.PersistentVolumeClaimSpec');
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const SPEC = Path.of('spec');

/** @param mayChangeClass whether its attributes class may change */
export function validateClaimUpdate(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  mayChangeClass: boolean,
): ErrorList {
  const upgrade = classUpgrade(claim, old);
  return [
    ...validateClaim(claim, optionsFor(old)),
    ...(upgrade === 'from annotation' ? [] : validateClassAnnotation(claim, old)),
    ...validateSpecUpdate(claim, old, upgrade),
    ...validateShrinking(claim, old),
    ...immutableName(claim.spec.volumeMode, old.spec.volumeMode, Path.of('volumeMode')),
    ...(mayChangeClass ? [] : immutableAttributesClass(claim.spec, old.spec)),
    ...validateAttributesClass(claim, old),
  ];
}

/** A class may move from the annotation of old into the spec, and be set where there was none. */
function classUpgrade(
  { metadata, spec }: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
): 'from annotation' | 'from nothing' | undefined {
  const before = old.metadata.annotations?.[CLASS_ANNOTATION];
  const annotation = metadata.annotations?.[CLASS_ANNOTATION];
  const { storageClassName } = spec;
  if (old.spec.storageClassName !== undefined || storageClassName === undefined) return undefined;
  if (before === undefined) return 'from nothing';
  if (storageClassName !== before) return undefined;
  return annotation === undefined || annotation === before ? 'from annotation' : 'from nothing';
}

function validateClassAnnotation({ metadata }: PersistentVolumeClaim, old: PersistentVolumeClaim): ErrorList {
  const value = metadata.annotations?.[CLASS_ANNOTATION] ?? '';
  if (value === (old.metadata.annotations?.[CLASS_ANNOTATION] ?? '')) return [];
  return [invalid(Path.of('metadata', 'annotations', CLASS_ANNOTATION), value, 'field is immutable')];
}

function validateSpecUpdate(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  upgrade: ReturnType<typeof classUpgrade>,
): ErrorList {
  const after: PersistentVolumeClaimSpec = structuredClone(claim.spec);
  const before: PersistentVolumeClaimSpec = structuredClone(old.spec);
  if (!before.volumeName && after.volumeName) before.volumeName = after.volumeName;
  if (upgrade !== undefined) delete after.storageClassName;
  if (claim.status.phase === 'Bound') {
    const size = old.spec.resources?.requests?.storage;
    if (after.resources?.requests) after.resources.requests.storage = size ?? '0';
    delete after.volumeAttributesClassName;
    if (before.volumeAttributesClassName !== undefined)
      after.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (semanticEqual(after, before, SPEC_TYPE)) return [];
  const difference = diffJSON(internalForm(SPEC_TYPE.name, before), internalForm(SPEC_TYPE.name, after));
  return [
    forbidden(
      SPEC,
      `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${difference}`,
    ),
  ];
}

function amount(text: string | undefined): Quantity {
  return Quantity.parse(text ?? '0');
}

/** A claim that could not be expanded may ask for less again, but for more than it has. */
function validateShrinking(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): ErrorList {
  const size = amount(claim.spec.resources?.requests?.storage);
  const before = amount(old.spec.resources?.requests?.storage);
  if (size.cmp(before) >= 0 || size.cmp(amount(old.status.capacity?.storage)) > 0) return [];
  return [forbidden(SPEC.child('resources', 'requests', 'storage'), 'field can not be less than status.capacity')];
}

function validateAttributesClass({ spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): ErrorList {
  const name = spec.volumeAttributesClassName;
  if (name === old.spec.volumeAttributesClassName || old.status.currentVolumeAttributesClassName === undefined)
    return [];
  const refused = (what: string) => [
    forbidden(
      SPEC.child('volumeAttributesClassName'),
      `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`,
    ),
  ];
  if (name === undefined) return refused('nil');
  return name === '' ? refused('empty string') : [];
}
