/** Compare pkg/apis/core/validation: ValidatePersistentVolumeSpec. */
import { posix } from 'node:path';
import { type ErrorList, forbidden, invalid, notSupported, Path, required } from '@keelson/api/field';
import type { PersistentVolume, PersistentVolumeSpec } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isValidLabelValue, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { immutableAttributesClass } from '../../validation/attributesclass.ts';
import { ACCESS_MODES, VOLUME_MODES } from '../../validation/claimspec.ts';
import { immutableName, invalidFor } from '../../validation/fields.ts';
import { validateNodeSelector } from '../../validation/nodeselector.ts';
import { validateKubeObjectMeta } from '../../validation/objectmeta.ts';
import { validatePositiveQuantity } from '../../validation/resources.ts';
import { validateNodeAffinityUpdate, validateSourceUpdate } from './immutable.ts';
import { validateSources } from './sources.ts';

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain'];
const SPEC = Path.of('spec');
const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options';
/** Sources that take mount options by annotation. */
const MOUNTABLE: readonly (keyof PersistentVolumeSpec)[] = [
  ...(['gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'nfs', 'rbd', 'quobyte', 'iscsi', 'cinder'] as const),
  ...(['cephfs', 'azureFile', 'vsphereVolume', 'azureDisk', 'photonPersistentDisk'] as const),
];

export interface SpecOptions {
  readonly name?: string;
  /** In a VolumeAttachment, where much makes no sense. */
  readonly inline?: boolean;
  /** Node selectors may hold values that are no label values: the stored ones do. */
  readonly laxLabelValues?: boolean;
}

export function validatePersistentVolume(pv: PersistentVolume, laxLabelValues = false): ErrorList {
  return validatePersistentVolumeSpec(pv.spec, SPEC, { name: pv.metadata.name ?? '', laxLabelValues });
}

/**
 * The whole of the update's checks: upstream makes some of them twice.
 * @param may whether its node affinity and its attributes class may change
 */
export function validatePersistentVolumeUpdate(
  pv: PersistentVolume,
  old: PersistentVolume,
  may: { readonly move: boolean; readonly changeClass: boolean },
): ErrorList {
  const lax = hasInvalidLabelValues(old);
  const classPath = SPEC.child('volumeAttributesClassName');
  return [
    ...validatePersistentVolume(pv, lax),
    ...validateMountOptions(pv),
    ...validateKubeObjectMeta(pv.metadata, false, nameIsDNSSubdomain, Path.of('metadata')),
    ...validatePersistentVolume(pv, lax),
    ...validateSourceUpdate(pv.spec, old.spec),
    ...immutableName(pv.spec.volumeMode, old.spec.volumeMode, Path.of('volumeMode')),
    ...(may.move ? [] : validateNodeAffinityUpdate(pv.spec.nodeAffinity, old.spec.nodeAffinity)),
    ...(may.changeClass ? [] : immutableAttributesClass(pv.spec, old.spec)),
    ...(old.spec.volumeAttributesClassName !== undefined && pv.spec.volumeAttributesClassName === undefined
      ? [forbidden(classPath, 'update from non-nil value to nil is forbidden')]
      : []),
  ];
}

export function validateMountOptions({ metadata, spec }: PersistentVolume): ErrorList {
  if (metadata.annotations?.[MOUNT_OPTIONS] === undefined || MOUNTABLE.some((name) => spec[name])) return [];
  const path = Path.of('metadata', 'annotations', MOUNT_OPTIONS);
  return [forbidden(path, 'may not specify mount options for this volume type')];
}

function hasInvalidLabelValues({ spec }: PersistentVolume): boolean {
  return (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).some((term) =>
    term.matchExpressions?.some((e) => e.values?.some((v) => isValidLabelValue(v).length > 0)),
  );
}

export function validatePersistentVolumeSpec(spec: PersistentVolumeSpec, path: Path, options: SpecOptions): ErrorList {
  const { inline = false, name = '' } = options;
  const affinity = spec.nodeAffinity;
  return [
    ...(inline ? validateInline(spec, path) : []),
    ...validateAccessModes(spec.accessModes ?? [], path.child('accessModes')),
    ...(inline ? [] : validateCapacity(spec.capacity ?? {}, spec, path.child('capacity'))),
    ...validateReclaimPolicy(spec, inline, path.child('persistentVolumeReclaimPolicy')),
    ...validateNodeAffinity(affinity, options, path.child('nodeAffinity')),
    ...validateSources(spec, path, name, affinity !== undefined && !inline),
    ...validateRecycling(spec, path.child('persistentVolumeReclaimPolicy')),
    ...validateStorageClass(spec, inline, path.child('storageClassName')),
    ...validateVolumeMode(spec, inline, path.child('volumeMode')),
    ...(inline ? [] : validateAttributesClass(spec, path)),
  ];
}

const NOT_INLINE = 'may not be specified in the context of inline volumes';

function validateInline(spec: PersistentVolumeSpec, path: Path): ErrorList {
  return [
    ...(spec.claimRef ? [forbidden(path.child('claimRef'), NOT_INLINE)] : []),
    ...(Object.keys(spec.capacity ?? {}).length > 0 ? [forbidden(path.child('capacity'), NOT_INLINE)] : []),
    ...(spec.csi ? [] : [required(path.child('csi'), 'has to be specified in the context of inline volumes')]),
  ];
}

function validateAccessModes(modes: readonly string[], path: Path): ErrorList {
  const errors: ErrorList = modes.length === 0 ? [required(path)] : [];
  for (const mode of modes) if (!ACCESS_MODES.includes(mode)) errors.push(notSupported(path, mode, ACCESS_MODES));
  const others = modes.some((m) => m !== 'ReadWriteOncePod' && ACCESS_MODES.includes(m));
  if (modes.includes('ReadWriteOncePod') && others)
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

function validateCapacity(capacity: Record<string, string>, spec: PersistentVolumeSpec, path: Path): ErrorList {
  const names = Object.keys(capacity);
  const errors: ErrorList = names.length === 0 ? [required(path)] : [];
  if (!('storage' in capacity) || names.length > 1) errors.push(notSupported(path, spec.capacity, ['storage']));
  for (const [name, text] of Object.entries(capacity))
    errors.push(...validateBasicResource(text, path.key(name)), ...validatePositiveQuantity(text, path.key(name)));
  return errors;
}

/** @param text a canonical quantity; the message shows it in whole units */
export function validateBasicResource(text: string, path: Path): ErrorList {
  const value = Quantity.parse(text).value();
  return value < 0n ? [invalid(path, value, 'must be a valid resource quantity')] : [];
}

function validateReclaimPolicy(
  { persistentVolumeReclaimPolicy: policy }: PersistentVolumeSpec,
  inline: boolean,
  path: Path,
): ErrorList {
  if (!policy) return [];
  if (!inline) return RECLAIM_POLICIES.includes(policy) ? [] : [notSupported(path, policy, RECLAIM_POLICIES)];
  return policy === 'Retain' ? [] : [forbidden(path, 'may only be Retain in the context of inline volumes')];
}

function validateNodeAffinity(
  affinity: PersistentVolumeSpec['nodeAffinity'],
  { inline, laxLabelValues = false }: SpecOptions,
  path: Path,
): ErrorList {
  if (!affinity) return [];
  if (inline) return [forbidden(path, NOT_INLINE)];
  const at = path.child('required');
  return affinity.required
    ? validateNodeSelector(affinity.required, laxLabelValues, at)
    : [required(at, 'must specify required node constraints')];
}

function validateRecycling({ hostPath, persistentVolumeReclaimPolicy }: PersistentVolumeSpec, path: Path): ErrorList {
  const isRoot = hostPath !== undefined && posix.normalize(hostPath.path) === '/';
  return isRoot && persistentVolumeReclaimPolicy === 'Recycle'
    ? [forbidden(path, "may not be 'recycle' for a hostPath mount of '/'")]
    : [];
}

function validateStorageClass({ storageClassName }: PersistentVolumeSpec, inline: boolean, path: Path): ErrorList {
  if (!storageClassName) return [];
  return inline
    ? [forbidden(path, NOT_INLINE)]
    : invalidFor(path, storageClassName, nameIsDNSSubdomain(storageClassName, false));
}

function validateVolumeMode({ volumeMode }: PersistentVolumeSpec, inline: boolean, path: Path): ErrorList {
  if (volumeMode === undefined) return [];
  if (!inline) return VOLUME_MODES.includes(volumeMode) ? [] : [notSupported(path, volumeMode, VOLUME_MODES)];
  return volumeMode === 'Filesystem'
    ? []
    : [forbidden(path, 'may not specify volumeMode other than Filesystem in the context of inline volumes')];
}

function validateAttributesClass(
  { volumeAttributesClassName: name, csi }: PersistentVolumeSpec,
  path: Path,
): ErrorList {
  if (name === undefined) return [];
  const at = path.child('volumeAttributesClassName');
  return [
    ...(name === ''
      ? [required(at, 'an empty string is disallowed')]
      : invalidFor(at, name, nameIsDNSSubdomain(name, false))),
    ...(csi ? [] : [required(path.child('csi'), 'has to be specified when using volumeAttributesClassName')]),
  ];
}
