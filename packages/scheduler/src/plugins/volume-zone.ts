import { isDeepStrictEqual } from 'node:util';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { StorageClass } from '@keelson/api/generated/types/storage/v1';
import { claimClass } from '@keelson/api/resources/volumes';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { type Rejection, unresolvable } from '../framework/status.ts';
import { signVolumes } from './volume-signature.ts';

const name = 'VolumeZone';
const otherZone = unresolvable(name, 'node(s) had no available volume zone');

const GA_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};
const LABELS = [...Object.keys(GA_LABELS), ...Object.values(GA_LABELS)];

interface Zones {
  readonly key: string;
  readonly values: readonly string[];
}

/** Volumes that say by labels in which zones they are. */
export function volumeZone(_: unknown, { listers }: PluginContext): Plugin<readonly Zones[]> {
  const claims = listers('persistentvolumeclaims');
  const volumes = listers('persistentvolumes');
  const classes = listers('storageclasses.storage.k8s.io');

  const zonesOfClaim = (key: string): readonly Zones[] | Rejection => {
    const claim = claims.get(key);
    if (!claim) return unresolvable(name, `persistentvolumeclaim "${key.split('/')[1]}" not found`);
    const { volumeName } = claim.spec;
    if (volumeName) {
      const volume = volumes.get(volumeName);
      return volume ? zonesOf(volume) : unresolvable(name, `persistentvolume "${volumeName}" not found`);
    }
    const className = claimClass(claim);
    if (className === '') return unresolvable(name, 'PersistentVolumeClaim had no pv name and storageClass name');
    const storageClass = classes.get(className);
    if (!storageClass) return unresolvable(name, `storageclass.storage.k8s.io "${className}" not found`);
    if (storageClass.volumeBindingMode === 'WaitForFirstConsumer') return [];
    return unresolvable(name, 'PersistentVolume had no name');
  };

  return {
    name,
    sign: signVolumes,
    preFilter({ claims: keys }) {
      const all: Zones[] = [];
      for (const key of keys) {
        const zones = zonesOfClaim(key);
        if ('code' in zones) return zones;
        all.push(...zones);
      }
      return all.length === 0 ? SKIP : { state: all };
    },
    filter(_pod, { node }, all) {
      const { labels = {} } = node!.metadata;
      if (!LABELS.some((key) => labels[key] !== undefined)) return undefined;
      for (const { key, values } of all) {
        const zone = labels[key] ?? labels[GA_LABELS[key] ?? key];
        if (zone === undefined || !values.includes(zone)) return otherZone;
      }
      return undefined;
    },
    events: () => [
      {
        event: clusterEvent('storage.k8s.io/StorageClass', Action.add),
        helps: (_pod, _old, now) => (now as StorageClass).volumeBindingMode === 'WaitForFirstConsumer',
      },
      { event: clusterEvent('Node', Action.add | Action.nodeLabel) },
      {
        event: clusterEvent('PersistentVolumeClaim', Action.add | Action.update),
        helps: ({ pod }, _old, now) => names(pod, now as PersistentVolumeClaim),
      },
      {
        event: clusterEvent('PersistentVolume', Action.add | Action.update),
        helps: (_pod, old, now) =>
          !old || !isDeepStrictEqual(zonesOf(old as PersistentVolume), zonesOf(now as PersistentVolume)),
      },
    ],
  };
}

function names({ metadata, spec }: Pod, claim: PersistentVolumeClaim): boolean {
  if (claim.metadata.namespace !== metadata.namespace) return false;
  return (spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim?.claimName === claim.metadata.name);
}

/** Several zones are joined by `__`; what is not well formed is left out. */
function zonesOf({ metadata: { labels = {} } }: PersistentVolume): Zones[] {
  return LABELS.flatMap((key) => {
    const values = labels[key]?.split('__').map((zone) => zone.trim());
    return values && !values.includes('') ? [{ key, values }] : [];
  });
}
