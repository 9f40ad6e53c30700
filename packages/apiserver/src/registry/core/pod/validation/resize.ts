/** A pod's containers in other sizes, while they run. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid } from '@keelson/api/field';
import type { Container, Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import type { ResourceList } from '@keelson/api/resources/list';
import { computeQOS, isSidecar, qosClass } from '@keelson/api/resources/pod';
import { MIRROR_POD } from '@keelson/api/resources/pod-parts';
import { structType } from '@keelson/api/schema';
import { NOWHERE } from './names.ts';
import { type PodPolicy, podOptions } from './options.ts';
import { SPEC, validateWholePod } from './pod.ts';

const RESOURCES_TYPE = structType('io.k8s.api.core.v1.ResourceRequirements');
const CONTAINER_TYPE = structType('io.k8s.api.core.v1.Container');
const SPEC_TYPE = structType('io.k8s.api.core.v1.PodSpec');
const POD_LEVEL_DISABLED =
  'resize of pods with pod-level resources is forbidden when InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled';
const ONLY_CPU_AND_MEMORY = 'only cpu and memory resources are mutable';

/** With metadata, which does not matter where nothing can be resized. */
export function validatePodResize(policy: PodPolicy, pod: Pod, old: Pod): ErrorList {
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined)
    return [forbidden(NOWHERE, 'static pods cannot be resized')];
  if (old.spec.os?.name === 'windows') return [forbidden(NOWHERE, 'windows pods cannot be resized')];
  const errors = validateWholePod(pod, old, podOptions(policy, old));
  if (qosClass(old) !== computeQOS(pod.spec))
    errors.push(invalid(SPEC, pod.status.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  if (!isResizable(old)) errors.push(forbidden(SPEC, 'Pod running on node without support for resize'));
  if (
    !policy.isEnabled('InPlacePodLevelResourcesVerticalScaling') &&
    ![pod, old].every(({ spec }) => isEmpty(spec.resources))
  )
    return [...errors, forbidden(NOWHERE, POD_LEVEL_DISABLED)];
  errors.push(...validatePodLevel(pod, old));
  if (old.status.nodeAllocatableResourceClaimStatuses?.length)
    errors.push(forbidden(SPEC, 'pods with node allocatable resource claims cannot be resized'));
  const order = validateOrder(pod, old);
  if (order.length > 0) return [...errors, ...order];
  const resizesInit = policy.isEnabled('InPlacePodVerticalScalingInitContainers');
  errors.push(...validateNothingRemoved(pod, old, resizesInit), ...validateContainersChange(pod, old, resizesInit));
  if (errors.length > 0) return errors;
  const hasPodLevel = ![pod, old].every(({ spec }) => isEmpty(spec.resources));
  const rest = ({ spec }: Pod) => ({
    ...spec,
    containers: [],
    initContainers: [],
    // Judged above, where there are any.
    resources: hasPodLevel ? undefined : spec.resources,
  });
  return semanticEqual(rest(pod), rest(old), SPEC_TYPE) ? [] : [forbidden(SPEC, ONLY_CPU_AND_MEMORY)];
}

/** The node's kubelet says so by reporting resources. Where nothing runs it is not known. */
function isResizable({ status }: Pod): boolean {
  const running = status.containerStatuses?.find((container) => container.state.running);
  return !running || running.resources !== undefined;
}

function validatePodLevel(pod: Pod, old: Pod): ErrorList {
  const { resources } = pod.spec;
  const { resources: before } = old.spec;
  if (isEmpty(resources) && isEmpty(before)) return [];
  const at = SPEC.child('resources');
  if (before && !resources) return [forbidden(at, 'pod-level resources cannot be removed')];
  const errors: ErrorList = [];
  if (before && isRemoved(resources?.requests, before.requests))
    errors.push(forbidden(at.child('requests'), 'pod-level resource requests cannot be removed'));
  if (before && isRemoved(resources?.limits, before.limits))
    errors.push(forbidden(at.child('limits'), 'pod-level resource limits cannot be removed'));
  if (!semanticEqual(withoutCPUAndMemory(resources), withoutCPUAndMemory(before), RESOURCES_TYPE))
    errors.push(forbidden(SPEC, `${ONLY_CPU_AND_MEMORY} at pod-level`));
  return errors;
}

function isEmpty(resources: ResourceRequirements | undefined): boolean {
  return Object.keys({ ...resources?.requests, ...resources?.limits }).length === 0;
}

function validateOrder(pod: Pod, old: Pod): ErrorList {
  return (['containers', 'initContainers'] as const).flatMap((key) => {
    const [containers, before] = [pod.spec[key] ?? [], old.spec[key] ?? []];
    const at = SPEC.child(key);
    if (containers.length !== before.length) return [forbidden(at, `${key} may not be added or removed on resize`)];
    return before.flatMap(({ name }, i) =>
      containers[i]!.name === name
        ? []
        : [forbidden(at.index(i).child('name'), `${key} may not be renamed or reordered on resize`)],
    );
  });
}

/** @param resizesInit init containers that are no sidecars may be resized */
function validateNothingRemoved(pod: Pod, old: Pod, resizesInit: boolean): ErrorList {
  return (['initContainers', 'containers'] as const).flatMap((key) =>
    (old.spec[key] ?? []).flatMap((before, i) => {
      if (key === 'initContainers' && !resizesInit && !isSidecar(before)) return [];
      const { resources = {} } = pod.spec[key]![i]!;
      const at = SPEC.child(key).index(i).child('resources');
      return (['requests', 'limits'] as const).flatMap((kind) =>
        isRemoved(resources[kind], before.resources?.[kind])
          ? [forbidden(at.child(kind), `resource ${kind} cannot be removed`)]
          : [],
      );
    }),
  );
}

function isRemoved(list: ResourceList = {}, old: ResourceList = {}): boolean {
  return Object.keys(old).some((name) => list[name] === undefined);
}

function validateContainersChange(pod: Pod, old: Pod, resizesInit: boolean): ErrorList {
  const errors = (pod.spec.containers ?? []).flatMap((container, i) =>
    differsElsewhere(container, old.spec.containers![i]!) ? [forbidden(SPEC, ONLY_CPU_AND_MEMORY)] : [],
  );
  for (const [i, container] of (pod.spec.initContainers ?? []).entries()) {
    const before = old.spec.initContainers![i]!;
    const at = SPEC.child('initContainers').index(i);
    if (!resizesInit && !isSidecar(container)) {
      if (!semanticEqual(container, before, CONTAINER_TYPE))
        errors.push(forbidden(SPEC, 'resources for non-sidecar init containers are immutable'));
      continue;
    }
    if (differsElsewhere(container, before))
      errors.push(forbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable'));
    if (isSidecar(container) || semanticEqual(container, before, CONTAINER_TYPE)) continue;
    for (const { restartPolicy } of container.resizePolicy ?? [])
      if (restartPolicy === 'RestartContainer')
        errors.push(
          forbidden(at, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'),
        );
  }
  return errors;
}

/** In more than the amounts of CPU and memory. */
function differsElsewhere(container: Container, old: Container): boolean {
  const rest = (of: Container) => ({ ...of, resources: withoutCPUAndMemory({ ...of.resources, claims: [] }) });
  // Claims are left out of the new side alone: a container that has some never passes.
  const before = { ...rest(old), resources: withoutCPUAndMemory(old.resources) };
  return !semanticEqual(rest(container), before, CONTAINER_TYPE);
}

function withoutCPUAndMemory(resources: ResourceRequirements | undefined): ResourceRequirements {
  const strip = (list: ResourceList = {}) => {
    const { cpu: _, memory: __, ...others } = list;
    return others;
  };
  return { ...resources, requests: strip(resources?.requests), limits: strip(resources?.limits) };
}
