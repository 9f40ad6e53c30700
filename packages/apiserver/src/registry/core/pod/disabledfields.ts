/**
 * Fields behind feature gates that are off in 1.36 (k8s.io/kubernetes/pkg/api/pod/util.go DropDisabled…): dropped unless
 * the gate is on, or the old object uses them already.
 */
import type { Lifecycle, Pod, PodSpec, PodStatus, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { allContainers } from '@keelson/api/resources/pod-parts';
import type { PodPolicy } from './validation/options.ts';

export function dropDisabledTemplateFields(
  policy: PodPolicy,
  template: PodTemplateSpec | undefined,
  old: PodTemplateSpec | undefined = undefined,
): void {
  if (template) dropDisabledSpecFields(policy, template.spec, old?.spec);
}

export function dropDisabledPodFields(policy: PodPolicy, pod: Pod, old?: Pod): void {
  dropDisabledSpecFields(policy, pod.spec, old?.spec);
  dropDisabledStatusFields(pod.status, old?.status);
}

function dropDisabledSpecFields({ isEnabled }: PodPolicy, spec: PodSpec, old: PodSpec | undefined): void {
  dropProjection(spec, old, 'clusterTrustBundle');
  dropProjection(spec, old, 'podCertificate');
  if (!old?.schedulingGroup) delete spec.schedulingGroup;
  if (isEnabled?.('ContainerStopSignals')) return;
  if (!old || !lifecycles(old).some((lifecycle) => lifecycle.stopSignal !== undefined)) dropStopSignals(spec);
}

function dropProjection(spec: PodSpec, old: PodSpec | undefined, key: 'clusterTrustBundle' | 'podCertificate'): void {
  const sources = (of: PodSpec) => (of.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  if (old && sources(old).some((source) => source[key] !== undefined)) return;
  for (const source of sources(spec)) delete source[key];
}

function lifecycles(spec: PodSpec): Lifecycle[] {
  return allContainers(spec).flatMap(({ lifecycle }) => lifecycle ?? []);
}

function dropStopSignals(spec: PodSpec): void {
  for (const container of allContainers(spec)) {
    if (container.lifecycle?.stopSignal === undefined) continue;
    delete container.lifecycle.stopSignal;
    if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
  }
}

function dropDisabledStatusFields(status: PodStatus, old: PodStatus | undefined): void {
  const mounts = (of: PodStatus) =>
    [of.containerStatuses, of.initContainerStatuses, of.ephemeralContainerStatuses].flatMap((list) =>
      (list ?? []).flatMap((container) => container.volumeMounts ?? []),
    );
  if (!old || !mounts(old).some((mount) => mount.volumeStatus !== undefined))
    for (const mount of mounts(status)) delete mount.volumeStatus;
  if (!old?.nodeAllocatableResourceClaimStatuses?.length) delete status.nodeAllocatableResourceClaimStatuses;
}
