/** The volumes that restricted pods may use. */
import type { Volume } from '@keelson/api/generated/types/core/v1';
import { type Check, type PodCheck, plural, quoted, sorted } from '../check.ts';

const ALLOWED = [
  ...(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim'] as const),
  ...(['projected', 'secret'] as const),
];

/** In the order in which a volume of several types is named. */
const NAMED = [
  ...([
    'hostPath',
    'gcePersistentDisk',
    'awsElasticBlockStore',
    'gitRepo',
    'nfs',
    'iscsi',
    'glusterfs',
    'rbd',
  ] as const),
  ...(['flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte'] as const),
  ...(['azureDisk', 'photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos'] as const),
];

function has(volume: Volume, types: readonly (keyof Volume)[]): keyof Volume | undefined {
  return types.find((type) => volume[type] !== undefined && volume[type] !== null);
}

const restrictedVolumes: PodCheck = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => has(volume, ALLOWED) === undefined);
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((volume) => has(volume, NAMED) ?? 'unknown'));
  return {
    reason: 'restricted volume types',
    detail: [
      plural(bad.length, 'volume', 'volumes'),
      quoted(bad.map((v) => v.name)),
      plural(bad.length, 'uses', 'use'),
      plural(types.length, 'restricted volume type', 'restricted volume types'),
      quoted(types),
    ].join(' '),
  };
};

export const VOLUME_CHECKS: readonly Check[] = [
  { id: 'restrictedVolumes', level: 'restricted', overrides: 'hostPathVolumes', since: [[0, restrictedVolumes]] },
];
