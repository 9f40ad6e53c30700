/** What of pods is there by feature gates alone (k8s.io/kubernetes/pkg/api/pod/util.go DropDisabled…). */
import type {
  Container,
  ContainerStatus,
  Pod,
  PodSpec,
  PodStatus,
  PodTemplateSpec,
  VolumeProjection,
} from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import { allContainers } from '@keelson/api/resources/pod-parts';
import { dropDisabledFields, type Fields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import type { PodPolicy } from './validation/options.ts';

export function dropDisabledTemplateFields(
  { isEnabled }: PodPolicy,
  template: PodTemplateSpec | undefined,
  old: PodTemplateSpec | undefined = undefined,
): void {
  if (template) dropDisabledFields(SPEC_FIELDS, isEnabled, template.spec, old?.spec);
}

export function dropDisabledPodFields({ isEnabled }: PodPolicy, pod: Pod, old?: Pod): void {
  dropDisabledFields(SPEC_FIELDS, isEnabled, pod.spec, old?.spec);
  dropDisabledFields(STATUS_FIELDS, isEnabled, pod.status, old?.status);
}

const RESTARTS: Fields<PodSpec> = {
  isUsed: ({ containers, initContainers }) =>
    (containers ?? []).some(({ restartPolicy }) => restartPolicy !== undefined) ||
    (initContainers ?? []).some((c) => ownPolicy(c) !== undefined || c.restartPolicyRules?.length),
  drop(spec) {
    for (const container of allContainers(spec)) {
      if (!spec.initContainers?.includes(container) || !isSidecar(container)) delete container.restartPolicy;
      delete container.restartPolicyRules;
    }
  },
};

/** Sidecars are older than policies of containers. */
function ownPolicy(container: Container): string | undefined {
  return isSidecar(container) ? undefined : container.restartPolicy;
}

const POD_RESOURCES: Fields<PodSpec> = {
  isUsed: ({ resources }) => Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0,
  drop: (spec) => {
    delete spec.resources;
  },
};

const STOP_SIGNALS: Fields<PodSpec> = {
  isUsed: (spec) => allContainers(spec).some(({ lifecycle }) => lifecycle?.stopSignal !== undefined),
  drop(spec) {
    for (const container of allContainers(spec)) {
      if (container.lifecycle?.stopSignal === undefined) continue;
      delete container.lifecycle.stopSignal;
      if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
    }
  },
};

const SPEC_FIELDS: readonly GatedFields<PodSpec>[] = [
  ['ClusterTrustBundleProjection', fieldsOf(projections, 'clusterTrustBundle')],
  ['PodCertificateRequest', fieldsOf(projections, 'podCertificate')],
  ['GenericWorkload', fieldsOf((spec) => [spec], 'schedulingGroup')],
  [
    'DynamicResourceAllocation',
    fieldsOf((spec) => [spec], 'resourceClaims'),
    fieldsOf((spec) => allContainers(spec).flatMap(({ resources }) => resources ?? []), 'claims'),
  ],
  ['PodLevelResources', POD_RESOURCES],
  ['MatchLabelKeysInPodTopologySpread', fieldsOf((spec) => spec.topologySpreadConstraints ?? [], 'matchLabelKeys')],
  ['ContainerRestartRules', RESTARTS],
  ['HostnameOverride', fieldsOf((spec) => [spec], 'hostnameOverride')],
  ['EnvFiles', fieldsOf(variableSources, 'fileKeyRef')],
  ['ContainerStopSignals', STOP_SIGNALS],
];

function projections({ volumes }: PodSpec): VolumeProjection[] {
  return (volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
}

function variableSources(spec: PodSpec) {
  return allContainers(spec).flatMap(({ env }) => (env ?? []).flatMap(({ valueFrom }) => valueFrom ?? []));
}

const STATUS_FIELDS: readonly GatedFields<PodStatus>[] = [
  ['InPlacePodLevelResourcesVerticalScaling', fieldsOf((status) => [status], 'resources', 'allocatedResources')],
  ['DRAExtendedResource', fieldsOf((status) => [status], 'extendedResourceClaimStatus')],
  ['ResourceHealthStatus', fieldsOf(containerStatuses, 'allocatedResourcesStatus')],
  ['ResourceHealthStatusMessage', fieldsOf(deviceHealth, 'message')],
  [
    undefined,
    fieldsOf((of) => containerStatuses(of).flatMap(({ volumeMounts }) => volumeMounts ?? []), 'volumeStatus'),
  ],
  [undefined, fieldsOf((status) => [status], 'nodeAllocatableResourceClaimStatuses')],
];

function containerStatuses(status: PodStatus): ContainerStatus[] {
  return [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses].flatMap(
    (list) => list ?? [],
  );
}

function deviceHealth(status: PodStatus) {
  return containerStatuses(status).flatMap(({ allocatedResourcesStatus }) =>
    (allocatedResourcesStatus ?? []).flatMap(({ resources }) => resources ?? []),
  );
}
