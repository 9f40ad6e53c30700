import { FeatureGates } from '@keelson/component/featuregate/featuregate';

/** The feature gates that decide something in the API server. Others are checked, and change nothing. */
export const GATES = [
  'APIResponseCompression',
  'APIServerIdentity',
  'AllowParsingUserUIDFromCertAuth',
  'AuthorizePodWebsocketUpgradeCreatePermission',
  'ClearingNominatedNodeNameAfterBinding',
  'ClusterTrustBundle',
  'ClusterTrustBundleProjection',
  'ComponentFlagz',
  'ComponentStatusz',
  'ConstrainedImpersonation',
  'ContainerRestartRules',
  'ContainerStopSignals',
  'CrossNamespaceVolumeDataSource',
  'DRAConsumableCapacity',
  'DRADeviceBindingConditions',
  'DRADeviceTaints',
  'DRAExtendedResource',
  'DRAPartitionableDevices',
  'DRAPrioritizedList',
  'DRAResourceClaimDeviceStatus',
  'DRAResourceClaimGranularStatusAuthorization',
  'DeploymentReplicaSetTerminatingReplicas',
  'DynamicResourceAllocation',
  'EnvFiles',
  'GenericWorkload',
  'HPAConfigurableTolerance',
  'HPAScaleToZero',
  'HostnameOverride',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'KMSv1',
  'MatchLabelKeysInPodTopologySpread',
  'MatchLabelKeysInPodTopologySpreadSelectorMerge',
  'MaxUnavailableStatefulSet',
  'MutablePVNodeAffinity',
  'MutablePodResourcesForSuspendedJobs',
  'MutableSchedulingDirectivesForSuspendedJobs',
  'NodeDeclaredFeatures',
  'OpenAPIEnums',
  'PodCertificateRequest',
  'PodDeletionCost',
  'PodLevelResources',
  'PodLogsQuerySplitStreams',
  'PodTopologyLabelsAdmission',
  'RelaxedServiceNameValidation',
  'ResourceHealthStatus',
  'ResourceHealthStatusMessage',
  'RestartAllContainersOnContainerExits',
  'ServiceAccountNodeAudienceRestriction',
  'ServiceCIDRStatusFieldWiping',
  'StorageVersionAPI',
  'StorageVersionHash',
  'StorageVersionMigrator',
  'StrictIPCIDRValidation',
  'TaintTolerationComparisonOperators',
  'TokenRequestServiceAccountUIDValidation',
  'UnauthenticatedHTTP2DOSMitigation',
  'UnknownVersionInteroperabilityProxy',
  'VolumeAttributesClass',
  'WatchList',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = (gate: Gate) => boolean;

const DEFAULTS = new FeatureGates();

/** Gates where nobody has said anything. */
export const isEnabledByDefault: IsEnabled = (gate) => DEFAULTS.enabled(gate);
