/** Views of a pod with rules of their own (k8s.io/kubernetes/pkg/registry/core/pod/strategy.go). */
import { Path } from '@keelson/api/field';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/object';
import type { IsEnabled } from '../../../gates.ts';
import type { ViewSubresource } from '../../strategy.ts';
import { warningsForIP } from '../../validation/ip.ts';
import { dropDisabledPodFields } from './disabledfields.ts';
import { bumpPodGeneration } from './strategy.ts';
import { validateEphemeralContainersUpdate } from './validation/ephemeralupdate.ts';
import type { PodPolicy } from './validation/options.ts';
import { validatePodResize } from './validation/resize.ts';
import { validatePodStatusUpdate } from './validation/status.ts';

type PodView = ViewSubresource<Pod>;

export function makeViews(policy: PodPolicy): Readonly<Record<string, PodView>> {
  return {
    status: makeStatus(policy),
    ephemeralcontainers: makeEphemeralContainers(policy),
    resize: makeResize(policy),
  };
}

function makeStatus(policy: PodPolicy): PodView {
  return {
    type: 'view',
    strategy: {
      prepareForUpdate(_ctx, pod, old) {
        pod.spec = old.spec;
        delete pod.metadata.deletionTimestamp;
        // Old kubelets would corrupt them.
        restore(pod.metadata, old.metadata, 'ownerReferences');
        if (!pod.status.qosClass && old.status.qosClass) pod.status.qosClass = old.status.qosClass;
        keepObservedGenerations(pod, old);
        dropDisabledPodFields(policy, pod, old);
      },
      validateUpdate: (_ctx, pod, old) => validatePodStatusUpdate(policy, pod, old),
      warningsOnUpdate: (_ctx, { status: { podIPs = [], hostIPs = [] } }) => [
        ...podIPs.flatMap(({ ip }, i) => warningsForIP(Path.of('status', 'podIPs').index(i).child('ip'), ip)),
        ...hostIPs.flatMap(({ ip }, i) => warningsForIP(Path.of('status', 'hostIPs').index(i).child('ip'), ip)),
      ],
      resetFields: { v1: { 'f:spec': {}, 'f:metadata': { 'f:deletionTimestamp': {}, 'f:ownerReferences': {} } } },
    },
  };
}

/** What has been observed once is not unobserved by leaving it out. */
function keepObservedGenerations(pod: Pod, old: Pod): void {
  if (!pod.status.observedGeneration && old.status.observedGeneration)
    pod.status.observedGeneration = old.status.observedGeneration;
  const known = Map.groupBy(old.status.conditions ?? [], (condition) => condition.type);
  for (const condition of pod.status.conditions ?? []) {
    const before = known.get(condition.type)?.shift()?.observedGeneration;
    if (!condition.observedGeneration && before) condition.observedGeneration = before;
  }
}

function makeEphemeralContainers(policy: PodPolicy): PodView {
  return {
    type: 'view',
    noTable: true,
    strategy: {
      prepareForUpdate(_ctx, pod, old) {
        const { ephemeralContainers } = pod.spec;
        pod.spec = { ...old.spec };
        if (ephemeralContainers) pod.spec.ephemeralContainers = ephemeralContainers;
        else delete pod.spec.ephemeralContainers;
        pod.status = old.status;
        resetMetadata(pod.metadata, old.metadata);
        dropDisabledPodFields(policy, pod, old);
        bumpPodGeneration(pod, old);
      },
      updateChecks: ['kind'],
      validateUpdate: (_ctx, pod, old) => validateEphemeralContainersUpdate(policy, pod, old),
      warningsOnUpdate: () => [],
    },
  };
}

function makeResize(policy: PodPolicy): PodView {
  return {
    type: 'view',
    noTable: true,
    strategy: {
      prepareForUpdate(_ctx, pod, old) {
        keepResources(pod, old, policy.isEnabled);
        dropDisabledPodFields(policy, pod, old);
        bumpPodGeneration(pod, old);
      },
      updateChecks: ['kind'],
      validateUpdate: (_ctx, pod, old) => validatePodResize(policy, pod, old),
      warningsOnUpdate: () => [],
    },
  };
}

/** Takes from the new pod its resources and resize policies alone, unless containers were added, removed or moved. */
function keepResources(pod: Pod, old: Pod, isEnabled: IsEnabled): void {
  const { spec } = pod;
  const [containers, initContainers] = [spec.containers ?? [], spec.initContainers ?? []];
  if (
    containers.length !== old.spec.containers?.length ||
    initContainers.length !== (old.spec.initContainers?.length ?? 0)
  )
    return;
  pod.spec = { ...old.spec, containers: resized(containers, old.spec.containers) };
  if (initContainers.length > 0) pod.spec.initContainers = resized(initContainers, old.spec.initContainers!);
  if (isEnabled('InPlacePodLevelResourcesVerticalScaling')) {
    if (spec.resources) pod.spec.resources = spec.resources;
    else delete pod.spec.resources;
  }
  pod.status = old.status;
  resetMetadata(pod.metadata, old.metadata);
}

function resized(containers: readonly Container[], old: readonly Container[]): Container[] {
  if (containers.some(({ name }, i) => name !== old[i]!.name)) return [...containers];
  return containers.map(({ resources, resizePolicy }, i) => {
    const { resizePolicy: _, ...rest } = old[i]!;
    return resizePolicy ? { ...rest, resources, resizePolicy } : { ...rest, resources };
  });
}

/** Everything but managed fields (apimachinery's ResetObjectMetaForStatus). */
function resetMetadata(metadata: ObjectMeta, old: ObjectMeta): void {
  restore(metadata, old, 'deletionTimestamp');
  restore(metadata, old, 'generation');
  restore(metadata, old, 'selfLink');
  restore(metadata, old, 'labels');
  restore(metadata, old, 'annotations');
  restore(metadata, old, 'finalizers');
  restore(metadata, old, 'ownerReferences');
}

function restore<K extends keyof ObjectMeta>(metadata: ObjectMeta, old: ObjectMeta, key: K): void {
  if (old[key] === undefined) delete metadata[key];
  else metadata[key] = old[key];
}
