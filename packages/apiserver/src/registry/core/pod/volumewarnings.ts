/** Volumes that no longer work, and files of one volume that overwrite each other. */

import { type Path, quote } from '@keelson/api/field';
import type { Volume, VolumeProjection } from '@keelson/api/generated/types/core/v1';
import { withoutEnd } from '@keelson/api/trim';
import { warningsForClaimSpec } from '../../validation/claimspec.ts';
import { nestedPairs } from './nested-paths.ts';

type SourceKey = Exclude<keyof Volume, 'name'>;

const BEFORE_CLAIMS: readonly (readonly [SourceKey, string, string?])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+', 'storageOS'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
];
const AFTER_CLAIMS: typeof BEFORE_CLAIMS = [
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

export function warningsForVolumes(volumes: readonly Volume[], path: Path): string[] {
  return [
    ...volumes.flatMap((volume, i) => {
      const at = path.index(i);
      const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
      return [
        ...deprecations(volume, BEFORE_CLAIMS, at),
        ...(claim ? warningsForClaimSpec(claim, at.child('ephemeral', 'volumeClaimTemplate', 'spec')) : []),
        ...deprecations(volume, AFTER_CLAIMS, at),
      ];
    }),
    ...volumes.flatMap(warningsForOverlaps),
  ];
}

function deprecations(volume: Volume, table: typeof BEFORE_CLAIMS, path: Path): string[] {
  return table.flatMap(([key, text, shown]) => (volume[key] ? [`${path.child(shown ?? key)}: ${text}`] : []));
}

interface File {
  readonly path: string;
  /** What makes the file, where a volume has several sources. */
  readonly source: string;
}

function warningsForOverlaps({ name, configMap, secret, downwardAPI, projected }: Volume): string[] {
  const warn = (what: string, body: string) => `volume ${quote(name)} (${what}): overlapping paths: ${body}`;
  const among = (what: string, items: readonly { path: string }[] | undefined) =>
    overlaps((items ?? []).map((item) => ({ path: item.path, source: '' }))).map((body) => warn(what, body));
  const warnings = [
    ...(configMap ? among(`ConfigMap ${quote(configMap.name ?? '')}`, configMap.items) : []),
    ...(secret ? among(`Secret ${quote(secret.secretName ?? '')}`, secret.items) : []),
    ...(downwardAPI ? among('DownwardAPI', downwardAPI.items) : []),
  ];
  const sources = projected?.sources ?? [];
  for (const source of sources)
    if (Object.keys(source).length === 0) warnings.push(`volume ${quote(name)} (Projected) has no sources provided`);
  return [...warnings, ...overlaps(sources.flatMap(filesOf)).map((body) => warn('Projected', body))];
}

function filesOf(projection: VolumeProjection): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = projection;
  const files = (items: readonly { path: string }[], source: string) => items.map(({ path }) => ({ path, source }));
  if (configMap?.items) return files(configMap.items, `ConfigMap ${quote(configMap.name ?? '')}`);
  if (secret?.items) return files(secret.items, `Secret ${quote(secret.name ?? '')}`);
  if (downwardAPI?.items) return files(downwardAPI.items, 'DownwardAPI');
  if (serviceAccountToken) return files([serviceAccountToken], 'ServiceAccountToken');
  if (clusterTrustBundle) {
    const bundle = clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? '';
    return files([clusterTrustBundle], `ClusterTrustBundle ${quote(bundle)}`);
  }
  const { certificateChainPath = '', keyPath = '', credentialBundlePath = '' } = podCertificate ?? {};
  return [
    { path: certificateChainPath, source: 'PodCertificate chain' },
    { path: keyPath, source: 'PodCertificate key' },
    { path: credentialBundlePath, source: 'PodCertificate credential bundle' },
  ].filter(({ path }) => path !== '');
}

/** Of one volume; what can be sent of warnings are a few KiB. */
const MOST_CHARACTERS = 1 << 20;

/** Each pair of which one file is the other, or lies below it. */
function overlaps(files: readonly File[]): string[] {
  const all = files.map(({ path, source }) => ({ path: withoutEnd(path, '/'), source }));
  const bodies: string[] = [];
  let characters = 0;
  for (const [later, earlier] of nestedPairs(all.map(({ path }) => path))) {
    const body = `${show(all[later]!)} with ${show(all[earlier]!)}`;
    bodies.push(body);
    characters += body.length;
    if (characters > MOST_CHARACTERS) break;
  }
  return bodies;
}

function show({ path, source }: File): string {
  return source === '' ? quote(path) : `${quote(path)} (${source})`;
}
