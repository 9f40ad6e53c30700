/** Where the data of a PersistentVolume lies: exactly one of these (pkg/apis/core/validation). */
import { type ErrorList, forbidden, invalid, notSupported, type Path, plain, required } from '@keelson/api/field';
import type {
  AWSElasticBlockStoreVolumeSource,
  AzureDiskVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  FlexPersistentVolumeSource,
  FlockerVolumeSource,
  GCEPersistentDiskVolumeSource,
  GlusterfsPersistentVolumeSource,
  HostPathVolumeSource,
  NFSVolumeSource,
  PersistentVolumeSource,
  QuobyteVolumeSource,
  SecretReference,
  StorageOSPersistentVolumeSource,
} from '@keelson/api/generated/types/core/v1';
import {
  inclusiveRangeMessage,
  isDNS1123Label,
  isDNS1123Subdomain,
  nameIsDNSLabel,
} from '@keelson/api/validation/names';
import { validateCSIDriverName } from '../../validation/csi.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateISCSI } from './iscsi.ts';

type SourceName = keyof PersistentVolumeSource;

/** One way to keep data, in the order in which upstream looks for them. */
interface SourceRule<K extends SourceName = SourceName> {
  readonly name: K;
  readonly validate: (source: NonNullable<PersistentVolumeSource[K]>, path: Path, pvName: string) => ErrorList;
  /** What messages call the field where that is not its name. */
  readonly shownAs?: string;
  /** The same where it stands beside another source. */
  readonly refusedAs?: string;
  readonly mayStandBesideOthers?: boolean;
}

function rule<K extends SourceName>(
  name: K,
  validate: SourceRule<K>['validate'],
  quirks: Pick<SourceRule, 'shownAs' | 'refusedAs' | 'mayStandBesideOthers'> = {},
): SourceRule {
  return { name, validate, ...quirks } as unknown as SourceRule;
}

/** A source that is fine when these fields are filled in. */
function needs<K extends SourceName>(
  name: K,
  ...fields: (keyof NonNullable<PersistentVolumeSource[K]> & string)[]
): SourceRule {
  return rule(name, (source, path) => requireFields(source, fields, path));
}

function requireFields<T extends object>(source: T, fields: readonly (keyof T & string)[], path: Path): ErrorList {
  return fields
    .filter((field) => {
      const value: unknown = source[field];
      return Array.isArray(value) ? value.length === 0 : !value;
    })
    .map((field) => required(path.child(field)));
}

const RULES: readonly SourceRule[] = [
  rule('hostPath', validateHostPath),
  rule('gcePersistentDisk', (s, p) => validatePartitioned(s, 'pdName', p), { shownAs: 'persistentDisk' }),
  rule('awsElasticBlockStore', (s, p) => validatePartitioned(s, 'volumeID', p)),
  rule('glusterfs', validateGlusterfs),
  rule('flocker', validateFlocker),
  rule('nfs', validateNFS),
  needs('rbd', 'monitors', 'image'),
  rule('quobyte', validateQuobyte),
  rule('cephfs', (s, p) => requireFields(s, ['monitors'], p), { refusedAs: 'cephFS' }),
  rule('iscsi', validateISCSI),
  rule('cinder', (s, p) => [...requireFields(s, ['volumeID'], p), ...validateReference(s.secretRef, p)]),
  rule('fc', validateFC),
  rule('flexVolume', validateFlexVolume, { mayStandBesideOthers: true }),
  rule('azureFile', (s, p) => [
    ...requireFields(s, ['secretName', 'shareName'], p),
    ...(s.secretNamespace === '' ? [required(p.child('secretNamespace'))] : []),
  ]),
  needs('vsphereVolume', 'volumePath'),
  needs('photonPersistentDisk', 'pdID'),
  needs('portworxVolume', 'volumeID'),
  rule('azureDisk', validateAzureDisk),
  needs('scaleIO', 'gateway', 'system', 'volumeName'),
  rule('local', (s, p) => (s.path ? validatePathNoBacksteps(s.path, p.child('path')) : [required(p.child('path'))])),
  rule('storageos', validateStorageOS),
  rule('csi', validateCSI),
];

/** @param nodeAffinity whether the volume says which nodes reach it, as a local one has to */
export function validateSources(
  spec: PersistentVolumeSource,
  path: Path,
  pvName: string,
  nodeAffinity: boolean,
): ErrorList {
  const errors: ErrorList = [];
  let count = 0;
  for (const { name, validate, shownAs, refusedAs, mayStandBesideOthers } of RULES) {
    const source = spec[name];
    if (!source) continue;
    if (count > 0 && !mayStandBesideOthers) {
      errors.push(forbidden(path.child(refusedAs ?? name), 'may not specify more than 1 volume type'));
      continue;
    }
    count++;
    errors.push(...validate(source, path.child(shownAs ?? name), pvName));
    if (name === 'local' && !nodeAffinity)
      errors.push(required(path.child('nodeAffinity'), 'Local volume requires node affinity'));
  }
  if (count === 0) errors.push(required(path, 'must specify a volume type'));
  return errors;
}

const HOST_PATH_TYPES = [
  ...['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'],
];

export function validateHostPath({ path: value, type }: HostPathVolumeSource, path: Path): ErrorList {
  if (!value) return [required(path.child('path'))];
  return [
    ...validatePathNoBacksteps(value, path.child('path')),
    ...(type === undefined || HOST_PATH_TYPES.includes(type)
      ? []
      : [notSupported(path.child('type'), type, HOST_PATH_TYPES)]),
  ];
}

/** No part of the path may lead upwards. */
export function validatePathNoBacksteps(value: string, path: Path): ErrorList {
  return value.split('/').includes('..') ? [invalid(path, value, "must not contain '..'")] : [];
}

function validatePartitioned<K extends string>(
  source: (GCEPersistentDiskVolumeSource | AWSElasticBlockStoreVolumeSource) & Record<K, string>,
  id: K,
  path: Path,
): ErrorList {
  const { partition = 0 } = source;
  return [
    ...(source[id] ? [] : [required(path.child(id))]),
    ...(partition < 0 || partition > 255
      ? [invalid(path.child('partition'), partition, inclusiveRangeMessage(1, 255))]
      : []),
  ];
}

function validateGlusterfs(source: GlusterfsPersistentVolumeSource, path: Path): ErrorList {
  const { endpointsNamespace: namespace } = source;
  const at = path.child('endpointsNamespace');
  const errors = requireFields(source, ['endpoints', 'path'], path);
  if (namespace === undefined) return errors;
  if (namespace !== '') return [...errors, ...invalidFor(at, namespace, nameIsDNSLabel(namespace, false))];
  return [...errors, invalid(at, namespace, 'if the endpointnamespace is set, it must be a valid namespace name')];
}

export function validateFlocker({ datasetName, datasetUUID }: FlockerVolumeSource, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (!datasetName && !datasetUUID) errors.push(required(path, 'one of datasetName and datasetUUID is required'));
  if (datasetName && datasetUUID)
    errors.push(invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
  if (datasetName?.includes('/')) errors.push(invalid(path.child('datasetName'), datasetName, "must not contain '/'"));
  return errors;
}

export function validateNFS(source: NFSVolumeSource, path: Path): ErrorList {
  return [
    ...requireFields(source, ['server', 'path'], path),
    ...(source.path.startsWith('/') ? [] : [invalid(path.child('path'), source.path, 'must be an absolute path')]),
  ];
}

export function validateQuobyte({ registry, tenant = '', volume }: QuobyteVolumeSource, path: Path): ErrorList {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  const errors: ErrorList = [];
  if (!registry) errors.push(required(path.child('registry'), pairs));
  else if (Buffer.byteLength(tenant) >= 65)
    errors.push(required(path.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters'));
  else
    for (const pair of registry.split(','))
      if (!isHostPort(pair)) errors.push(invalid(path.child('registry'), registry, pairs));
  if (!volume) errors.push(required(path.child('volume')));
  return errors;
}

/** What Go's net.SplitHostPort takes. */
function isHostPort(text: string): boolean {
  return /^(?:\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(text);
}

export function validateFC({ targetWWNs, wwids, lun }: FCVolumeSource, path: Path): ErrorList {
  const at = path.child('targetWWNs');
  const errors: ErrorList = [];
  if (!targetWWNs?.length && !wwids?.length)
    errors.push(required(at, 'must specify either targetWWNs or wwids, but not both'));
  if (targetWWNs?.length && wwids?.length)
    errors.push(invalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
  if (!targetWWNs?.length) return errors;
  if (lun === undefined) errors.push(required(path.child('lun'), 'lun is required if targetWWNs is specified'));
  else if (lun < 0 || lun > 255) errors.push(invalid(path.child('lun'), lun, inclusiveRangeMessage(0, 255)));
  return errors;
}

function validateFlexVolume(source: FlexPersistentVolumeSource, path: Path): ErrorList {
  const reserved = Object.keys(source.options ?? {}).filter((key) => {
    const domain = `.${key.split('/')[0]!.toLowerCase()}`;
    return domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io');
  });
  return [
    ...requireFields(source, ['driver'], path),
    ...reserved.map((key) =>
      invalid(path.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved'),
    ),
  ];
}

const CACHING_MODES = ['None', 'ReadOnly', 'ReadWrite'];
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared'];
const MANAGED_DISK_URI =
  '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
const BLOB_DISK_URI = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';

export function validateAzureDisk(source: AzureDiskVolumeSource, path: Path): ErrorList {
  const { diskURI, cachingMode, kind } = source;
  const errors = requireFields(source, ['diskName', 'diskURI'], path);
  if (cachingMode !== undefined && !CACHING_MODES.includes(cachingMode))
    errors.push(notSupported(path.child('cachingMode'), cachingMode, CACHING_MODES));
  if (kind !== undefined && !DISK_KINDS.includes(kind)) errors.push(notSupported(path.child('kind'), kind, DISK_KINDS));
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/'))
    errors.push(notSupported(path.child('diskURI'), plain(diskURI), [MANAGED_DISK_URI]));
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://'))
    errors.push(notSupported(path.child('diskURI'), plain(diskURI), [BLOB_DISK_URI]));
  return errors;
}

function validateReference(
  reference: { readonly name?: string; readonly namespace?: string } | undefined,
  path: Path,
): ErrorList {
  return reference ? requireFields(reference, ['name', 'namespace'], path.child('secretRef')) : [];
}

function validateStorageOS(source: StorageOSPersistentVolumeSource, path: Path): ErrorList {
  const { volumeName, volumeNamespace } = source;
  const namePath = path.child('volumeName');
  return [
    ...(volumeName ? invalidFor(namePath, volumeName, isDNS1123Label(volumeName)) : [required(namePath)]),
    ...(volumeNamespace
      ? invalidFor(path.child('volumeNamespace'), volumeNamespace, isDNS1123Label(volumeNamespace))
      : []),
    ...validateReference(source.secretRef, path),
  ];
}

const CSI_SECRETS = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

function validateCSI(source: CSIPersistentVolumeSource, path: Path): ErrorList {
  return [
    ...validateCSIDriverName(source.driver, path.child('driver')),
    ...requireFields(source, ['volumeHandle'], path),
    ...CSI_SECRETS.flatMap((name) => (source[name] ? validateSecretReference(source[name], path.child(name)) : [])),
  ];
}

function validateSecretReference({ name = '', namespace = '' }: SecretReference, path: Path): ErrorList {
  const each = (field: string, value: string, problems: string[]) =>
    value === '' ? [required(path.child(field))] : invalidFor(path.child(field), value, problems);
  return [...each('name', name, isDNS1123Subdomain(name)), ...each('namespace', namespace, isDNS1123Label(namespace))];
}
