import { isDeepStrictEqual } from 'node:util';
import type { PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { CSIDriver, CSIStorageCapacity, StorageClass } from '@keelson/api/generated/types/storage/v1';
import { claimNameOf } from '@keelson/api/resources/volumes';
import type { VolumeBindingArgs } from '../config/types.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';
import { largestVolume, type PodClaims, type PodVolumes, VolumeBinder, type VolumeProblem } from '../volumes/binder.ts';
import { signVolumes } from './volume-signature.ts';

const name = 'VolumeBinding';
const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';

const reasons: Readonly<Record<VolumeProblem, string>> = {
  unreachable: "node(s) didn't match PersistentVolume's node affinity",
  unmatched: "node(s) didn't find available persistent volumes to bind",
  full: 'node(s) did not have enough free storage',
  missing: 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
};

interface State {
  readonly claims: PodClaims;
  /** What would have to be done, by node. */
  readonly byNode: Map<string, PodVolumes>;
  /** What has to be done on the node that was chosen; absent when nothing has. */
  work: PodVolumes | undefined;
}

/** Nodes from which the pod's volumes can be reached, or on which they can be made; then binds them. */
export function volumeBinding(args: VolumeBindingArgs, { listers, writer }: PluginContext): Plugin<State> {
  const binder = new VolumeBinder(listers);
  listers('nodes');
  return {
    name,
    sign: signVolumes,
    preFilter({ pod }) {
      const problem = binder.problemOf(pod);
      if (problem === 'none') return SKIP;
      if (problem !== undefined) return unresolvable(name, problem);
      const claims = binder.claimsOf(pod);
      if (claims.immediate.length > 0) return unresolvable(name, 'pod has unbound immediate PersistentVolumeClaims');
      return { state: { claims, byNode: new Map(), work: undefined } };
    },
    filter(_, node, { claims, byNode }) {
      const found = binder.find(claims, node.node!);
      if (!('bindings' in found)) return unresolvable(name, ...found.map((problem) => reasons[problem]));
      byNode.set(node.name, found);
      return undefined;
    },
    reserve({ pod }, nodeName, state) {
      const volumes = state?.byNode.get(nodeName);
      const work = volumes && binder.assume(pod, nodeName, volumes);
      if (state && work !== 'bound') state.work = work;
      return undefined;
    },
    unreserve(_, __, state) {
      if (state?.work) binder.revert(state.work);
    },
    hasPreBind: (_, __, state) => state?.work !== undefined,
    async preBind({ pod }, _, state, signal) {
      await binder.bind(pod, state!.work!, writer!.client, args.bindTimeoutSeconds * 1000, signal);
      return undefined;
    },
    events: () => [
      {
        event: clusterEvent('storage.k8s.io/StorageClass', Action.add | Action.update),
        helps: (_, old, now) => !old || !isDeepStrictEqual(topologies(old), topologies(now)),
      },
      {
        event: clusterEvent('PersistentVolumeClaim', Action.add | Action.update),
        helps: ({ pod }, _, now) => claims(pod, now as PersistentVolumeClaim),
      },
      { event: clusterEvent('PersistentVolume', Action.add | Action.update) },
      { event: clusterEvent('Node', Action.add | Action.nodeLabel) },
      {
        event: clusterEvent('storage.k8s.io/CSINode', Action.add | Action.update),
        helps: (_, old, now) =>
          !old || old.metadata.annotations?.[MIGRATED_PLUGINS] !== now!.metadata.annotations?.[MIGRATED_PLUGINS],
      },
      {
        event: clusterEvent('storage.k8s.io/CSIDriver', Action.update),
        helps: ({ pod }, old, now) => {
          const [before, after] = [old as CSIDriver, now as CSIDriver];
          const freed = before.spec.storageCapacity && !after.spec.storageCapacity;
          return Boolean(freed) && (pod.spec.volumes ?? []).some(({ csi }) => csi?.driver === after.metadata.name);
        },
      },
      {
        event: clusterEvent('storage.k8s.io/CSIStorageCapacity', Action.add | Action.update),
        helps: (_, old, now) =>
          !old || largestVolume(now as CSIStorageCapacity) > largestVolume(old as CSIStorageCapacity),
      },
    ],
  };
}

function topologies(object: unknown) {
  return (object as StorageClass).allowedTopologies;
}

/** Whether the pod uses the claim. */
export function claims(pod: Pod, { metadata }: PersistentVolumeClaim): boolean {
  if (metadata.namespace !== pod.metadata.namespace) return false;
  return (pod.spec.volumes ?? []).some((volume) => claimNameOf(pod, volume) === metadata.name);
}
