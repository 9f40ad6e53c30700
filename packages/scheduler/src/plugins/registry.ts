import type { Plugin, PluginContext, PluginFactory } from '../framework/plugin.ts';
import { defaultBinder } from './default-binder.ts';
import { defaultPreemption } from './default-preemption.ts';
import { dynamicResources } from './dynamic-resources.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import { podTopologySpread } from './pod-topology-spread.ts';
import { prioritySort } from './priority-sort.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';
import { volumeBinding } from './volume-binding.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

/** Arguments are validated where the configuration is read, so that here their type is known. */
function taking<A>(make: (args: A, context: PluginContext) => Plugin): PluginFactory {
  return (args, context) => make(args as A, context);
}

/** All plugins that there are, by the names that configurations have for them. */
export const registry: ReadonlyMap<string, PluginFactory> = new Map<string, PluginFactory>([
  ['SchedulingGates', schedulingGates],
  ['PrioritySort', prioritySort],
  ['NodeUnschedulable', nodeUnschedulable],
  ['NodeName', nodeName],
  ['TaintToleration', taintToleration],
  ['NodeAffinity', taking(nodeAffinity)],
  ['NodePorts', nodePorts],
  ['NodeResourcesFit', taking(nodeResourcesFit)],
  ['VolumeRestrictions', volumeRestrictions],
  ['NodeVolumeLimits', nodeVolumeLimits],
  ['VolumeBinding', taking(volumeBinding)],
  ['VolumeZone', volumeZone],
  ['PodTopologySpread', taking(podTopologySpread)],
  ['InterPodAffinity', taking(interPodAffinity)],
  ['DynamicResources', taking(dynamicResources)],
  ['DefaultPreemption', taking(defaultPreemption)],
  ['NodeResourcesBalancedAllocation', taking(nodeResourcesBalancedAllocation)],
  ['ImageLocality', imageLocality],
  ['DefaultBinder', defaultBinder],
  ['NodeDeclaredFeatures', nodeDeclaredFeatures],
]);
