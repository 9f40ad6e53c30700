/** The ranges of the node's pods, for runtimes that set up networks with them (updatePodCIDR in kubelet_network.go). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { World } from '@keelson/client';
import type { Runtime } from '../runtime/runtime.ts';

/** @returns what is to be called with each state of the node: the runtime is told when its ranges are others */
export function podCidrsTo(runtime: Pick<Runtime, 'setPodCidrs'>, log: World['log']): (node: Node) => void {
  let told: readonly string[] = [];
  return ({ spec }) => {
    const cidrs = spec?.podCIDRs ?? [];
    if (cidrs.join() === told.join()) return;
    told = cidrs;
    runtime.setPodCidrs(cidrs).catch((error) => log.warn({ error }, 'The runtime did not take the CIDRs of pods'));
  };
}
