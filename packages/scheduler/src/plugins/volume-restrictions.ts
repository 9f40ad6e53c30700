import type { PersistentVolumeClaim, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import type { NodeInfo } from '../cache/node-info.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { signVolumes } from './volume-signature.ts';

const name = 'VolumeRestrictions';
const diskTaken = unschedulable(name, 'node(s) had no available disk');
const claimTaken = unschedulable(
  name,
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
);

interface State {
  /** Keys of claims that only one pod may use. */
  readonly exclusive: ReadonlySet<string>;
  /** How often others use them. */
  uses: number;
}

/** Disks and claims that only one pod may use at a time. */
export function volumeRestrictions(_: unknown, { listers, snapshot }: PluginContext): Plugin<State> {
  const allClaims = listers('persistentvolumeclaims');
  return {
    name,
    sign: signVolumes,
    preFilter({ pod, claims }) {
      const exclusive = new Set<string>();
      for (const key of claims) {
        const claim = allClaims.get(key);
        if (!claim) return unresolvable(name, `persistentvolumeclaim "${key.split('/')[1]}" not found`);
        if (claim.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.add(key);
      }
      const uses = [...exclusive].filter((key) => snapshot.isClaimUsed(key)).length;
      if (uses === 0 && !pod.spec.volumes?.some(isDisk)) return SKIP;
      return { state: { exclusive, uses } };
    },
    filter({ pod }, node, { uses }) {
      if (conflictsOn(pod, node)) return diskTaken;
      return uses > 0 ? claimTaken : undefined;
    },
    podAdded: (_pod, other, _node, state) => {
      state.uses += usesOf(other, state);
    },
    podRemoved: (_pod, other, _node, state) => {
      state.uses -= usesOf(other, state);
    },
    cloneState: (state) => ({ ...state }),
    events: () => [
      {
        event: clusterEvent('Pod', Action.delete),
        helps(pod, old) {
          const gone = new PodInfo(old as Pod);
          if (gone.namespace !== pod.namespace) return false;
          return conflicts(pod.pod, gone.pod) || gone.claims.some((key) => pod.claims.includes(key));
        },
      },
      { event: clusterEvent('Node', Action.add) },
      {
        event: clusterEvent('PersistentVolumeClaim', Action.add),
        helps: ({ claims }, _old, now) => {
          const { namespace, name: claim } = (now as PersistentVolumeClaim).metadata;
          return claims.includes(`${namespace}/${claim}`);
        },
      },
    ],
  };
}

function usesOf({ claims }: PodInfo, { exclusive }: State): number {
  let uses = 0;
  for (const key of claims) if (exclusive.has(key)) uses += 1;
  return uses;
}

function isDisk({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }: Volume): boolean {
  return (gcePersistentDisk ?? awsElasticBlockStore ?? rbd ?? iscsi) !== undefined;
}

function conflictsOn(pod: Pod, { pods }: NodeInfo): boolean {
  if (!pod.spec.volumes?.some(isDisk)) return false;
  return pods.some((other) => conflicts(pod, other.pod));
}

function conflicts(pod: Pod, other: Pod): boolean {
  return (pod.spec.volumes ?? []).some((a) => isDisk(a) && (other.spec.volumes ?? []).some((b) => isSameDisk(a, b)));
}

/** Readers may share a disk, but for those of AWS. */
function isSameDisk(a: Volume, b: Volume): boolean {
  const [gce, otherGce] = [a.gcePersistentDisk, b.gcePersistentDisk];
  if (gce && otherGce && gce.pdName === otherGce.pdName && !(gce.readOnly && otherGce.readOnly)) return true;
  const [aws, otherAws] = [a.awsElasticBlockStore, b.awsElasticBlockStore];
  if (aws && otherAws && aws.volumeID === otherAws.volumeID) return true;
  const [iscsi, otherIscsi] = [a.iscsi, b.iscsi];
  if (iscsi && otherIscsi && iscsi.iqn === otherIscsi.iqn && !(iscsi.readOnly && otherIscsi.readOnly)) return true;
  const [rbd, otherRbd] = [a.rbd, b.rbd];
  if (!rbd || !otherRbd || (rbd.readOnly && otherRbd.readOnly)) return false;
  const shared = (rbd.monitors ?? []).some((monitor) => (otherRbd.monitors ?? []).includes(monitor));
  return shared && rbd.pool === otherRbd.pool && rbd.image === otherRbd.image;
}
