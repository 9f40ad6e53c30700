/**
 * Where the fields of an internal type stand in another order than those of the versioned one, or in another place
 * (k8s.io/kubernetes/pkg/apis/core/types.go). Types that are not listed have the same shape.
 */
const VOLUME_SOURCES =
  'HostPath EmptyDir GCEPersistentDisk AWSElasticBlockStore GitRepo Secret NFS ISCSI Glusterfs PersistentVolumeClaim RBD ' +
  'Quobyte FlexVolume Cinder CephFS Flocker DownwardAPI FC AzureFile ConfigMap VsphereVolume AzureDisk PhotonPersistentDisk ' +
  'Projected PortworxVolume ScaleIO StorageOS CSI Ephemeral Image';

const PERSISTENT_VOLUME_SOURCES =
  'GCEPersistentDisk AWSElasticBlockStore HostPath Glusterfs NFS RBD Quobyte ISCSI FlexVolume Cinder CephFS FC ' +
  'Flocker AzureFile VsphereVolume AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO Local StorageOS CSI';

const ORDERS: Readonly<Record<string, string>> = {
  'io.k8s.api.core.v1.Volume': `Name ${VOLUME_SOURCES}`,
  'io.k8s.api.core.v1.VolumeSource': VOLUME_SOURCES,
  'io.k8s.api.core.v1.PersistentVolumeSource': PERSISTENT_VOLUME_SOURCES,
  'io.k8s.api.core.v1.PersistentVolumeSpec':
    `Capacity ${PERSISTENT_VOLUME_SOURCES} AccessModes ClaimRef PersistentVolumeReclaimPolicy StorageClassName ` +
    'MountOptions VolumeMode NodeAffinity VolumeAttributesClassName',
  'io.k8s.api.core.v1.PodSpec':
    'Volumes InitContainers Containers EphemeralContainers RestartPolicy TerminationGracePeriodSeconds ' +
    'ActiveDeadlineSeconds DNSPolicy NodeSelector ServiceAccountName AutomountServiceAccountToken NodeName ' +
    'SecurityContext ImagePullSecrets Hostname Subdomain SetHostnameAsFQDN Affinity SchedulerName Tolerations ' +
    'HostAliases PriorityClassName Priority PreemptionPolicy DNSConfig ReadinessGates RuntimeClassName Overhead ' +
    'EnableServiceLinks TopologySpreadConstraints OS SchedulingGates ResourceClaims Resources HostnameOverride ' +
    'SchedulingGroup',
  'io.k8s.api.core.v1.PodSecurityContext':
    'SELinuxOptions WindowsOptions RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy ' +
    'FSGroup FSGroupChangePolicy Sysctls SeccompProfile AppArmorProfile SELinuxChangePolicy',
  'io.k8s.api.core.v1.ServiceSpec':
    'Type Ports Selector ClusterIP ClusterIPs IPFamilies IPFamilyPolicy ExternalName ExternalIPs LoadBalancerIP ' +
    'SessionAffinity SessionAffinityConfig LoadBalancerSourceRanges ExternalTrafficPolicy HealthCheckNodePort ' +
    'PublishNotReadyAddresses AllocateLoadBalancerNodePorts LoadBalancerClass InternalTrafficPolicy TrafficDistribution',
  'io.k8s.api.autoscaling.v2.ContainerResourceMetricSource': 'Name Container Target',
  'io.k8s.api.storage.v1.CSIDriverSpec':
    'AttachRequired FSGroupPolicy PodInfoOnMount VolumeLifecycleModes StorageCapacity TokenRequests RequiresRepublish ' +
    'SELinuxMount NodeAllocatableUpdatePeriodSeconds ServiceAccountTokenInSecrets PreventPodSchedulingIfMissing',
  'io.k8s.api.batch.v1.JobSpec':
    'Parallelism Completions PodFailurePolicy SuccessPolicy ActiveDeadlineSeconds BackoffLimit BackoffLimitPerIndex ' +
    'MaxFailedIndexes Selector ManualSelector Template TTLSecondsAfterFinished CompletionMode Suspend ' +
    'PodReplacementPolicy ManagedBy',
  'io.k8s.api.batch.v1.JobStatus':
    'Conditions StartTime CompletionTime Active Terminating Ready Succeeded Failed CompletedIndexes FailedIndexes ' +
    'UncountedTerminatedPods',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps':
    'ID Schema Ref Description Type Nullable Format Title Default Maximum ExclusiveMaximum Minimum ExclusiveMinimum ' +
    'MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Enum MaxProperties MinProperties Required ' +
    'Items AllOf OneOf AnyOf Not Properties AdditionalProperties PatternProperties Dependencies AdditionalItems ' +
    'Definitions ExternalDocs Example XPreserveUnknownFields XEmbeddedResource XIntOrString XListMapKeys XListType ' +
    'XMapType XValidations',
};

/** Fields that are no pointers in the internal type, where nothing may have filled them in. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.apps.v1.RollingUpdateDeployment': ['MaxUnavailable', 'MaxSurge'],
  'io.k8s.api.apps.v1.RollingUpdateDaemonSet': ['MaxUnavailable', 'MaxSurge'],
  'io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy': ['Partition'],
};

type Struct = Readonly<Record<string, unknown>>;

/** @param internal the fields by Go's names, in the order of the versioned type */
export function reshape(typeName: string, value: Struct, internal: Struct): Struct {
  const order = ORDERS[typeName]?.split(' ');
  const ordered = order ? Object.fromEntries(order.map((name) => [name, internal[name]])) : internal;
  if (typeName === 'io.k8s.api.core.v1.PodSpec') return withHostFields(value, ordered);
  const numbers = NUMBERS[typeName];
  return numbers ? { ...ordered, ...Object.fromEntries(numbers.map((name) => [name, ordered[name] ?? 0])) } : ordered;
}

/** What a pod shares with its host stands in its security context. */
function withHostFields(spec: Struct, internal: Struct): Struct {
  const host = {
    HostNetwork: spec.hostNetwork ?? false,
    HostPID: spec.hostPID ?? false,
    HostIPC: spec.hostIPC ?? false,
    ShareProcessNamespace: spec.shareProcessNamespace ?? null,
    HostUsers: spec.hostUsers ?? null,
  };
  return { ...internal, SecurityContext: { ...host, ...(internal.SecurityContext as Struct | null) } };
}
