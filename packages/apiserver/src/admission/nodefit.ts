/** What a pod gets from the node it is bound to, and what that node cannot give it. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { Binding, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isSidecar, podTotals } from '@keelson/api/resources/pod';
import { structType } from '@keelson/api/schema';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  objectOf,
  oldObjectOf,
  refuse,
} from './plugin.ts';

const RESOURCES = structType('io.k8s.api.core.v1.ResourceRequirements');
const TOPOLOGY_LABELS = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];

/** Pods know the zone and the region that they run in. */
export function podTopologyLabels({ objects, isEnabled }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    handles: (operation, resource, subresource) =>
      isEnabled('PodTopologyLabelsAdmission') &&
      operation === 'CREATE' &&
      resource === 'pods' &&
      (subresource === '' || subresource === 'binding'),
    async mutate(a) {
      const name = a.subresource === '' ? objectOf<Pod>(a).spec.nodeName : targetOf(objectOf<Binding>(a));
      const labels = name ? (await objects.get('nodes', '', name))?.metadata.labels : undefined;
      const copied = TOPOLOGY_LABELS.flatMap((key) =>
        labels?.[key] === undefined ? [] : [[key, labels[key]] as const],
      );
      const { metadata } = objectOf<Pod | Binding>(a);
      if (copied.length > 0) metadata.labels = { ...metadata.labels, ...Object.fromEntries(copied) };
    },
  };
}

function targetOf({ target }: Binding): string | undefined {
  return target?.kind === 'Node' ? target.name : undefined;
}

/** The pod's node, where its spec changes; undefined where there is nothing to look at. @throws StatusError 403 */
async function nodeOfChangedPod({ objects }: AdmissionWorld, a: AdmissionAttributes): Promise<Node | undefined> {
  const pod = objectOf<Pod>(a);
  if (!pod.spec.nodeName || oldObjectOf<Pod>(a).metadata.generation === pod.metadata.generation) return undefined;
  const node = await objects.get('nodes', '', pod.spec.nodeName);
  if (!node) throw refuse(a, `node ${quote(pod.spec.nodeName)} not found`);
  return node;
}

/** A pod grows as far as its node is large. */
export function podResizeValidator(world: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    handles: (operation, resource, subresource) =>
      operation === 'UPDATE' && resource === 'pods' && subresource === 'resize',
    async validate(a) {
      const node = await nodeOfChangedPod(world, a);
      if (!node) return;
      const os = node.metadata.labels?.['kubernetes.io/os'];
      if (os !== undefined && os !== 'linux') {
        const problem = `pod resize is only supported on linux nodes, node ${quote(node.metadata.name!)} is ${quote(os)}`;
        throw refuseFor(a, problem, 'UnsupportedPlatform');
      }
      const problems = tooLarge(objectOf<Pod>(a), node);
      if (problems.length > 0)
        throw refuseFor(a, `node didn't have enough allocatable resources: ${problems.join('; ')}`, 'NodeCapacity');
    },
  };
}

function tooLarge(pod: Pod, { status }: Node): string[] {
  const requests = podTotals({ ...pod, status: {} }, 'requests');
  return (['cpu', 'memory'] as const).flatMap((name) => {
    const requested = requests.get(name) ?? Quantity.of(0);
    const allocatable = Quantity.parse(status?.allocatable?.[name] ?? '0');
    if (requested.cmp(allocatable) <= 0) return [];
    const show = (amount: Quantity) => (name === 'cpu' ? amount.milliValue() : amount.value());
    return [`${name}, requested: ${show(requested)}, allocatable: ${show(allocatable)}`];
  });
}

function refuseFor(a: AdmissionAttributes, problem: string, reason: string): StatusError {
  const { code, reason: status, message, details } = refuse(a, problem);
  return new StatusError(code, status, message, { ...details, causes: [{ reason }] });
}

/** A pod changes only in ways that its node knows. */
export function nodeDeclaredFeatureValidator(world: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'NodeDeclaredFeatureValidator',
    handles: (operation, resource, subresource) =>
      world.isEnabled('NodeDeclaredFeatures') &&
      operation === 'UPDATE' &&
      resource === 'pods' &&
      (subresource === '' || subresource === 'resize'),
    async validate(a) {
      const needed = featuresOf(objectOf<Pod>(a), oldObjectOf<Pod>(a));
      if (needed.length === 0) return;
      const node = await nodeOfChangedPod(world, a);
      if (!node) return;
      const missing = needed.filter((feature) => !node.status?.declaredFeatures?.includes(feature));
      if (missing.length > 0)
        throw refuse(
          a,
          `pod update requires features ${missing.join(', ')} which are not available on node ${quote(node.metadata.name!)}`,
        );
    },
  };
}

/** Sorted. */
function featuresOf({ spec }: Pod, { spec: old }: Pod): string[] {
  const resized = (old.initContainers ?? []).some(
    (before, i) =>
      !isSidecar(before) && !semanticEqual(before.resources, spec.initContainers?.[i]?.resources, RESOURCES),
  );
  return [
    ...(semanticEqual(spec.resources, old.resources, RESOURCES) ? [] : ['InPlacePodLevelResourcesVerticalScaling']),
    ...(resized ? ['InPlacePodVerticalScalingInitContainers'] : []),
  ];
}
