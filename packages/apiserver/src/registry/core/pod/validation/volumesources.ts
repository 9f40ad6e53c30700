/** Each kind of volume source. */

import { type ErrorList, invalid, notSupported, type Path, plain, required } from '@keelson/api/field';
import type {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  AzureFileVolumeSource,
  CephFSVolumeSource,
  CinderVolumeSource,
  ConfigMapVolumeSource,
  CSIVolumeSource,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  EphemeralVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  GitRepoVolumeSource,
  GlusterfsVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  KeyToPath,
  NFSVolumeSource,
  PersistentVolumeClaimVolumeSource,
  PhotonPersistentDiskVolumeSource,
  PortworxVolumeSource,
  QuobyteVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  SecretVolumeSource,
  StorageOSVolumeSource,
  VsphereVirtualDiskVolumeSource,
} from '@keelson/api/generated/types/core/v1';
import { inclusiveRangeMessage, isInRange, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { validateClaimSpec } from '../../../validation/claimspec.ts';
import { validateCSIDriverName } from '../../../validation/csi.ts';
import { invalidFor } from '../../../validation/fields.ts';
import { isISCSIName } from '../../../validation/iscsi.ts';
import { validateTemplateObjectMeta } from '../../../validation/objectmeta.ts';
import { VOLUME_FIELDS, validateFieldRef, validateResourceFieldRef } from './fieldrefs.ts';
import { dnsLabel, requireAll } from './names.ts';
import {
  validateFileMode,
  validateLocalDescendingPath,
  validateLocalNonReservedPath,
  validatePathNoBacksteps,
} from './paths.ts';

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const PARTITION = inclusiveRangeMessage(1, 255);

export function validateHostPath({ path: target, type }: HostPathVolumeSource, path: Path): ErrorList {
  if (!target) return [required(path.child('path'))];
  const errors = validatePathNoBacksteps(target, path.child('path'));
  if (type !== undefined && !HOST_PATH_TYPES.includes(type))
    errors.push(notSupported(path.child('type'), type, HOST_PATH_TYPES));
  return errors;
}

export function validateGitRepo({ repository, directory = '' }: GitRepoVolumeSource, path: Path): ErrorList {
  return [...requireAll({ repository }, path), ...validateLocalDescendingPath(directory, path.child('directory'))];
}

export function validateGCEDisk({ pdName, partition = 0 }: GCEPersistentDiskVolumeSource, path: Path): ErrorList {
  return [...requireAll({ pdName }, path), ...validatePartition(partition, path)];
}

export function validateAWSDisk({ volumeID, partition = 0 }: AWSElasticBlockStoreVolumeSource, path: Path): ErrorList {
  return [...requireAll({ volumeID }, path), ...validatePartition(partition, path)];
}

function validatePartition(partition: number, path: Path): ErrorList {
  return partition < 0 || partition > 255 ? [invalid(path.child('partition'), partition, PARTITION)] : [];
}

export function validateSecret({ secretName, defaultMode, items }: SecretVolumeSource, path: Path): ErrorList {
  return [
    ...requireAll({ secretName }, path),
    ...validateFileMode(defaultMode, path.child('defaultMode')),
    ...(items ?? []).flatMap((item, i) => validateKeyToPath(item, path.child('items').index(i))),
  ];
}

export function validateConfigMap({ name, defaultMode, items }: ConfigMapVolumeSource, path: Path): ErrorList {
  return [
    ...requireAll({ name }, path),
    ...validateFileMode(defaultMode, path.child('defaultMode')),
    ...(items ?? []).flatMap((item, i) => validateKeyToPath(item, path.child('items').index(i))),
  ];
}

export function validateKeyToPath({ key, path: target, mode }: KeyToPath, path: Path): ErrorList {
  return [
    ...requireAll({ key, path: target }, path),
    ...validateLocalNonReservedPath(target ?? '', path.child('path')),
    ...validateFileMode(mode, path.child('mode')),
  ];
}

export function validateNFS({ server, path: target }: NFSVolumeSource, path: Path): ErrorList {
  const errors = requireAll({ server, path: target }, path);
  if (!target?.startsWith('/')) errors.push(invalid(path.child('path'), target ?? '', 'must be an absolute path'));
  return errors;
}

/** What is wrong with the name of an iSCSI target or initiator. */
function iscsiNameProblem(name: string): string | undefined {
  const isName = isISCSIName(name);
  if (isName === undefined) return 'must be valid format starting with iqn, eui, or naa';
  return isName ? undefined : 'must be valid format';
}

export function validateISCSI(source: ISCSIVolumeSource, path: Path): ErrorList {
  const { targetPortal, iqn, lun, chapAuthDiscovery, chapAuthSession, secretRef, initiatorName } = source;
  const errors = requireAll({ targetPortal, iqn }, path);
  const problem = iqn ? iscsiNameProblem(iqn) : undefined;
  if (problem) errors.push(invalid(path.child('iqn'), iqn, problem));
  errors.push(...invalidFor(path.child('lun'), lun, isInRange(lun, 0, 255)));
  if ((chapAuthDiscovery || chapAuthSession) && !secretRef) errors.push(required(path.child('secretRef')));
  const initiatorProblem = initiatorName === undefined ? undefined : iscsiNameProblem(initiatorName);
  if (initiatorProblem) errors.push(invalid(path.child('initiatorname'), initiatorName, initiatorProblem));
  return errors;
}

export function validateGlusterfs({ endpoints, path: target }: GlusterfsVolumeSource, path: Path): ErrorList {
  return requireAll({ endpoints, path: target }, path);
}

export function validateFlocker({ datasetName = '', datasetUUID = '' }: FlockerVolumeSource, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (datasetName === '' && datasetUUID === '')
    errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName !== '' && datasetUUID !== '')
    errors.push(invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  if (datasetName.includes('/')) errors.push(invalid(path.child('datasetName'), datasetName, "must not contain '/'"));
  return errors;
}

export function validateClaim({ claimName }: PersistentVolumeClaimVolumeSource, path: Path): ErrorList {
  return requireAll({ claimName }, path);
}

export function validateRBD({ monitors, image }: RBDVolumeSource, path: Path): ErrorList {
  return requireAll({ monitors, image }, path);
}

export function validateCinder({ volumeID, secretRef }: CinderVolumeSource, path: Path): ErrorList {
  const errors = requireAll({ volumeID }, path);
  if (secretRef && !secretRef.name) errors.push(required(path.child('secretRef', 'name')));
  return errors;
}

export function validateCephFS({ monitors }: CephFSVolumeSource, path: Path): ErrorList {
  return requireAll({ monitors }, path);
}

export function validateQuobyte({ registry, volume, tenant = '' }: QuobyteVolumeSource, path: Path): ErrorList {
  const problem = 'must be a host:port pair or multiple pairs separated by commas';
  const errors: ErrorList = [];
  if (!registry) errors.push(required(path.child('registry'), problem));
  else if (Buffer.byteLength(tenant) >= 65)
    errors.push(required(path.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters'));
  else
    for (const pair of registry.split(','))
      if (!isHostPort(pair)) errors.push(invalid(path.child('registry'), registry, problem));
  return [...errors, ...requireAll({ volume }, path)];
}

/** As Go's net.SplitHostPort takes it. */
function isHostPort(pair: string): boolean {
  return /^(?:\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair);
}

export function validateDownwardAPI({ defaultMode, items }: DownwardAPIVolumeSource, path: Path): ErrorList {
  return [
    ...validateFileMode(defaultMode, path.child('defaultMode')),
    ...(items ?? []).flatMap((file) => validateDownwardAPIFile(file, path)),
  ];
}

export function validateDownwardAPIFile(file: DownwardAPIVolumeFile, path: Path): ErrorList {
  const { path: target, fieldRef, resourceFieldRef, mode } = file;
  const errors = [
    ...requireAll({ path: target }, path),
    ...validateLocalNonReservedPath(target ?? '', path.child('path')),
  ];
  if (fieldRef) {
    errors.push(...validateFieldRef(fieldRef, VOLUME_FIELDS, path.child('fieldRef')));
    if (resourceFieldRef)
      errors.push(invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (resourceFieldRef)
    errors.push(...validateResourceFieldRef(resourceFieldRef, true, path.child('resourceFieldRef')));
  else errors.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
  return [...errors, ...validateFileMode(mode, path.child('mode'))];
}

export function validateFC({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, path: Path): ErrorList {
  const at = path.child('targetWWNs');
  const errors: ErrorList = [];
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'));
  if (targetWWNs.length > 0 && wwids.length > 0)
    errors.push(invalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  if (targetWWNs.length === 0) return errors;
  if (lun === undefined) errors.push(required(path.child('lun'), 'lun is required if targetWWNs is specified'));
  else errors.push(...invalidFor(path.child('lun'), lun, isInRange(lun, 0, 255)));
  return errors;
}

export function validateFlex({ driver, options }: FlexVolumeSource, path: Path): ErrorList {
  const errors = requireAll({ driver }, path);
  for (const key of Object.keys(options ?? {})) {
    const namespace = `.${key.split('/', 1)[0]!.toLowerCase()}`;
    if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io'))
      errors.push(invalid(path.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved'));
  }
  return errors;
}

export function validateAzureFile({ secretName, shareName }: AzureFileVolumeSource, path: Path): ErrorList {
  return requireAll({ secretName, shareName }, path);
}

const AZURE_CACHING = ['None', 'ReadOnly', 'ReadWrite'];
const AZURE_KINDS = ['Dedicated', 'Managed', 'Shared'];
const AZURE_MANAGED = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const AZURE_BLOB = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

export function validateAzureDisk(
  { diskName, diskURI, cachingMode, kind }: AzureDiskVolumeSource,
  path: Path,
): ErrorList {
  const errors = requireAll({ diskName, diskURI }, path);
  if (cachingMode !== undefined && !AZURE_CACHING.includes(cachingMode))
    errors.push(notSupported(path.child('cachingMode'), cachingMode, AZURE_CACHING));
  if (kind === undefined) return errors;
  if (!AZURE_KINDS.includes(kind)) errors.push(notSupported(path.child('kind'), kind, AZURE_KINDS));
  const [start, form] = kind === 'Managed' ? ['/subscriptions/', AZURE_MANAGED] : ['https://', AZURE_BLOB];
  if (!(diskURI ?? '').startsWith(start))
    errors.push(notSupported(path.child('diskURI'), plain(diskURI ?? ''), [form]));
  return errors;
}

export function validateVsphere({ volumePath }: VsphereVirtualDiskVolumeSource, path: Path): ErrorList {
  return requireAll({ volumePath }, path);
}

export function validatePhoton({ pdID }: PhotonPersistentDiskVolumeSource, path: Path): ErrorList {
  return requireAll({ pdID }, path);
}

export function validatePortworx({ volumeID }: PortworxVolumeSource, path: Path): ErrorList {
  return requireAll({ volumeID }, path);
}

export function validateStorageOS(
  { volumeName, volumeNamespace = '', secretRef }: StorageOSVolumeSource,
  path: Path,
): ErrorList {
  const at = path.child('volumeName');
  const errors = volumeName ? dnsLabel(volumeName, at) : [required(at)];
  if (volumeNamespace !== '') errors.push(...dnsLabel(volumeNamespace, path.child('volumeNamespace')));
  if (secretRef && !secretRef.name) errors.push(required(path.child('secretRef', 'name')));
  return errors;
}

export function validateScaleIO({ gateway, system, volumeName }: ScaleIOVolumeSource, path: Path): ErrorList {
  return requireAll({ gateway, system, volumeName }, path);
}

export function validateCSI({ driver, nodePublishSecretRef: secret }: CSIVolumeSource, path: Path): ErrorList {
  const errors = validateCSIDriverName(driver, path.child('driver'));
  if (!secret) return errors;
  if (!secret.name) errors.push(required(path.child('nodePublishSecretRef', 'name')));
  else errors.push(...invalidFor(path.child('name'), secret.name, nameIsDNSSubdomain(secret.name, false)));
  return errors;
}

export function validateEphemeral({ volumeClaimTemplate: template }: EphemeralVolumeSource, path: Path): ErrorList {
  const at = path.child('volumeClaimTemplate');
  if (!template) return [required(at)];
  return [
    ...validateTemplateObjectMeta(template.metadata ?? {}, at.child('metadata')),
    ...validateClaimSpec(template.spec, {}, at.child('spec')),
  ];
}
