/** Compare pkg/api/persistentvolume/util.go. */
import { Path } from '@keelson/api/field';
import type { PersistentVolume, PersistentVolumeSource } from '@keelson/api/generated/types/core/v1';
import { deprecatedNodeLabel } from '../../deprecatedlabels.ts';

const DEPRECATED_ANNOTATIONS: Readonly<Record<string, string>> = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
};
/** In upstream's order; one is spelled otherwise than its field. */
const DEPRECATED_SOURCES: readonly (readonly [keyof PersistentVolumeSource, shown: string, since: string])[] = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

export function warnings({ metadata, spec }: PersistentVolume): string[] {
  const terms = Path.of('spec', 'nodeAffinity', 'required', 'nodeSelectorTerms');
  return [
    ...Object.entries(DEPRECATED_ANNOTATIONS).flatMap(([key, text]) =>
      metadata.annotations?.[key] === undefined ? [] : [`metadata.annotations[${key}]: ${text}`],
    ),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle'
      ? [
          'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
        ]
      : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap(({ matchExpressions }, i) =>
      (matchExpressions ?? []).flatMap(({ key }, j) => {
        const text = deprecatedNodeLabel(key);
        return text ? [`${terms.index(i).child('matchExpressions').index(j).child('key')}: ${key} is ${text}`] : [];
      }),
    ),
    ...DEPRECATED_SOURCES.flatMap(([name, shown, since]) => (spec[name] ? [`spec.${shown}: ${since}`] : [])),
  ];
}
