import type { PersistentVolumeClaim, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import type { CSINode } from '@keelson/api/generated/types/storage/v1';
import { claimClass, claimNameOf, isOwnClaim } from '@keelson/api/resources/volumes';
import type { NodeInfo } from '../cache/node-info.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { type Rejection, unresolvable, unschedulable } from '../framework/status.ts';
import { claims as usesClaim } from './volume-binding.ts';
import { signVolumes } from './volume-signature.ts';

const name = 'NodeVolumeLimits';
const tooMany = unschedulable(name, 'node(s) exceed max volume count');

/** Drivers of volumes, by what tells the volumes apart. */
type Attached = Map<string, string>;

interface State {
  /** Volumes of the pod. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Volumes that are attached to nodes, with or without a pod. */
  readonly attached: ReadonlyMap<string, Attached>;
  /** What is wrong with the pod's claims, on any node. */
  readonly problem: Rejection | undefined;
}

/** How many volumes of each CSI driver a node takes. */
export function nodeVolumeLimits(_: unknown, { listers }: PluginContext): Plugin<State> {
  const claims = listers('persistentvolumeclaims');
  const volumes = listers('persistentvolumes');
  const classes = listers('storageclasses.storage.k8s.io');
  const attachments = listers('volumeattachments.storage.k8s.io');
  const csiNodes = listers('csinodes.storage.k8s.io');

  /** A volume that does not exist yet counts for the driver that will make it. */
  const add = (attached: Attached, claim: PersistentVolumeClaim) => {
    const volume = volumes.get(claim.spec.volumeName ?? '');
    if (volume) {
      const { csi } = volume.spec;
      if (csi) attached.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
      return;
    }
    const driver = classes.get(claimClass(claim))?.provisioner;
    if (driver) attached.set(`${driver}/?${claim.metadata.namespace}/${claim.metadata.name}`, driver);
  };

  /** @returns what is wrong with the pod's claims, if something is */
  const addAll = (attached: Attached, pod: Pod): string | undefined => {
    for (const volume of pod.spec.volumes ?? []) {
      const claimName = claimNameOf(pod, volume);
      if (claimName === undefined) continue;
      const key = `${pod.metadata.namespace}/${claimName}`;
      const claim = claims.get(key);
      if (!claim) return `looking up PVC ${key}: persistentvolumeclaim "${claimName}" not found`;
      if (volume.ephemeral && !isOwnClaim(pod, claim)) {
        throw new Error(
          `PVC ${key} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
        );
      }
      add(attached, claim);
    }
    return undefined;
  };

  const attachedTo = (): Map<string, Attached> => {
    const byNode = new Map<string, Attached>();
    for (const { spec } of attachments.values()) {
      const csi = volumes.get(spec.source.persistentVolumeName ?? '')?.spec.csi;
      if (!csi || !spec.attacher) continue;
      const attached: Attached = byNode.get(spec.nodeName) ?? new Map();
      attached.set(`${spec.attacher}/${csi.volumeHandle}`, spec.attacher);
      byNode.set(spec.nodeName, attached);
    }
    return byNode;
  };

  const onNode = (node: NodeInfo, state: State): Attached => {
    const all: Attached = new Map(state.attached.get(node.name));
    for (const { pod } of node.pods) if (pod.spec.volumes?.some(hasClaim)) addAll(all, pod);
    return all;
  };

  return {
    name,
    sign: signVolumes,
    preFilter({ pod }) {
      if (!pod.spec.volumes?.some(hasClaim)) return SKIP;
      const wanted: Attached = new Map();
      const problem = addAll(wanted, pod);
      const rejection = problem === undefined ? undefined : unresolvable(name, problem);
      return { state: { wanted, attached: attachedTo(), problem: rejection } };
    },
    filter(_pod, node, state) {
      if (state.problem) return state.problem;
      const limits = limitsOf(csiNodes.get(node.name));
      if (limits.size === 0 || state.wanted.size === 0) return undefined;
      const all = onNode(node, state);
      for (const [volume, driver] of state.wanted) all.set(volume, driver);
      for (const driver of new Set(state.wanted.values())) {
        const limit = limits.get(driver);
        if (limit === undefined) continue;
        let count = 0;
        for (const each of all.values()) if (each === driver) count += 1;
        if (count > limit) return tooMany;
      }
      return undefined;
    },
    events: () => [
      { event: clusterEvent('storage.k8s.io/CSINode', Action.add) },
      {
        event: clusterEvent('storage.k8s.io/CSINode', Action.update),
        helps: (_pod, old, now) => {
          const before = limitsOf(old as CSINode);
          return [...limitsOf(now as CSINode)].some(([driver, limit]) => limit > (before.get(driver) ?? 0));
        },
      },
      {
        event: clusterEvent('Pod', Action.delete),
        helps: (_pod, old) => {
          const { spec, status } = old as Pod;
          return Boolean(spec.nodeName || status.nominatedNodeName) && (spec.volumes ?? []).some(hasClaim);
        },
      },
      {
        event: clusterEvent('PersistentVolumeClaim', Action.add),
        helps: ({ pod }, _old, now) => usesClaim(pod, now as PersistentVolumeClaim),
      },
      {
        event: clusterEvent('storage.k8s.io/VolumeAttachment', Action.delete),
        helps: ({ pod }) => (pod.spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim !== undefined),
      },
    ],
  };
}

function hasClaim({ persistentVolumeClaim, ephemeral }: Volume): boolean {
  return persistentVolumeClaim !== undefined || ephemeral !== undefined;
}

function limitsOf(csiNode: CSINode | undefined): Map<string, number> {
  const limits = new Map<string, number>();
  for (const { name: driver, allocatable } of csiNode?.spec.drivers ?? []) {
    if (allocatable?.count !== undefined) limits.set(driver, allocatable.count);
  }
  return limits;
}
