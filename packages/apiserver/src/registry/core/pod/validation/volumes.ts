/** Volumes: their names, and that each has one source. */

import { duplicate, type ErrorList, forbidden, invalid, type Path, quote, required } from '@keelson/api/field';
import type { Volume } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/object';
import { Quantity } from '@keelson/api/quantity';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { validatePullPolicy } from './containers.ts';
import { dnsLabel } from './names.ts';
import type { PodValidationOptions } from './options.ts';
import { validateProjected } from './projected.ts';
import * as sources from './volumesources.ts';

/** Volumes that are fit to be mounted, by name. */
export type Volumes = ReadonlyMap<string, Volume>;

/**
 * @param metadata of the pod, absent in a template: with the pod's name it is known which claims it will have made
 */
export function validateVolumes(
  volumes: readonly Volume[],
  metadata: ObjectMeta | undefined,
  options: PodValidationOptions,
  path: Path,
): { errors: ErrorList; valid: Volumes } {
  const podName = metadata?.name ?? '';
  const madeClaims = new Set(
    podName === '' ? [] : volumes.filter((volume) => volume.ephemeral).map((volume) => `${podName}-${volume.name}`),
  );
  const valid = new Map<string, Volume>();
  const errors: ErrorList = [];
  for (const [i, volume] of volumes.entries()) {
    const at = path.index(i);
    const { name = '' } = volume;
    const own = validateSources(volume, podName, options, at);
    own.push(...(name === '' ? [required(at.child('name'))] : dnsLabel(name, at.child('name'))));
    if (valid.has(name)) own.push(duplicate(at.child('name'), name));
    if (own.length === 0) valid.set(name, volume);
    errors.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && madeClaims.has(claim))
      errors.push(
        invalid(
          at.child('persistentVolumeClaim', 'claimName'),
          claim,
          'must not reference a PVC that gets created for an ephemeral volume',
        ),
      );
  }
  return { errors, valid };
}

type SourceKey = Exclude<keyof Volume, 'name'>;
type SourceCheck<K extends SourceKey> = (
  source: NonNullable<Volume[K]>,
  path: Path,
  context: SourceContext,
) => ErrorList;
export interface SourceContext {
  readonly options: PodValidationOptions;
  readonly volumeName: string;
  readonly podName: string;
}

/** In the order in which upstream looks at them; of several the first counts. */
const CHECKS: { readonly [K in SourceKey]: SourceCheck<K> } = {
  emptyDir: ({ sizeLimit }, path) =>
    sizeLimit !== undefined && Quantity.parse(sizeLimit).sign() < 0
      ? [forbidden(path.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity')]
      : [],
  hostPath: sources.validateHostPath,
  gitRepo: sources.validateGitRepo,
  gcePersistentDisk: sources.validateGCEDisk,
  awsElasticBlockStore: sources.validateAWSDisk,
  secret: sources.validateSecret,
  nfs: sources.validateNFS,
  iscsi: sources.validateISCSI,
  glusterfs: sources.validateGlusterfs,
  flocker: sources.validateFlocker,
  persistentVolumeClaim: sources.validateClaim,
  rbd: sources.validateRBD,
  cinder: sources.validateCinder,
  cephfs: sources.validateCephFS,
  quobyte: sources.validateQuobyte,
  downwardAPI: sources.validateDownwardAPI,
  fc: sources.validateFC,
  flexVolume: sources.validateFlex,
  configMap: sources.validateConfigMap,
  azureFile: sources.validateAzureFile,
  vsphereVolume: sources.validateVsphere,
  photonPersistentDisk: sources.validatePhoton,
  portworxVolume: sources.validatePortworx,
  azureDisk: sources.validateAzureDisk,
  storageos: sources.validateStorageOS,
  projected: (source, path, { options }) => validateProjected(source, options, path),
  scaleIO: sources.validateScaleIO,
  csi: sources.validateCSI,
  ephemeral: sources.validateEphemeral,
  image: ({ reference, pullPolicy }, path, { options }) => [
    ...(options.resourceIsPod && !reference ? [required(path.child('reference'))] : []),
    ...validatePullPolicy(pullPolicy ?? '', path.child('pullPolicy')),
  ],
};

/** Where upstream's path is not that of the field. */
const PATHS: Readonly<Partial<Record<SourceKey, string>>> = { gcePersistentDisk: 'persistentDisk' };
const EXCESS_PATHS: Readonly<Partial<Record<SourceKey, string>>> = { cephfs: 'cephFS', downwardAPI: 'downwarAPI' };

function validateSources(volume: Volume, podName: string, options: PodValidationOptions, path: Path): ErrorList {
  const context = { options, volumeName: volume.name ?? '', podName };
  const present = (Object.keys(CHECKS) as SourceKey[]).filter((key) => volume[key] !== undefined);
  if (present.length === 0) return [required(path, 'must specify a volume type')];
  return present.flatMap((key, i) => [
    ...(i === 0
      ? checkSource(volume, key, path.child(PATHS[key] ?? key), context)
      : [forbidden(path.child(EXCESS_PATHS[key] ?? key), 'may not specify more than 1 volume type')]),
    ...validateGeneratedNames(volume, podName, key, i === 0, path),
  ]);
}

function checkSource<K extends SourceKey>(volume: Volume, key: K, path: Path, context: SourceContext): ErrorList {
  return CHECKS[key](volume[key]!, path, context);
}

/** Names that are made of the volume's. @param isFirst of the volume's sources */
function validateGeneratedNames(
  { name = '', iscsi }: Volume,
  podName: string,
  source: SourceKey,
  isFirst: boolean,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  if (
    source === 'iscsi' &&
    iscsi?.initiatorName !== undefined &&
    Buffer.byteLength(`${name}:${iscsi.targetPortal}`) > 64
  )
    errors.push(
      invalid(
        path.child('name'),
        name,
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
      ),
    );
  if (source === 'ephemeral' && isFirst && podName !== '' && name !== '') {
    const claim = `${podName}-${name}`;
    for (const problem of nameIsDNSSubdomain(claim, false))
      errors.push(invalid(path.child('name'), name, `PVC name ${quote(claim)}: ${problem}`));
  }
  return errors;
}
