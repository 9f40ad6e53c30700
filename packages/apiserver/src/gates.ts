import { FeatureGates } from '@keelson/component/featuregate/featuregate';

/** The feature gates that decide something in the API server. Others are checked, and change nothing. */
export const GATES = [
  'APIServerIdentity',
  'AuthorizePodWebsocketUpgradeCreatePermission',
  'ClusterTrustBundle',
  'ComponentFlagz',
  'ComponentStatusz',
  'ContainerRestartRules',
  'ContainerStopSignals',
  'CrossNamespaceVolumeDataSource',
  'DRAExtendedResource',
  'DRAResourceClaimGranularStatusAuthorization',
  'EnvFiles',
  'GenericWorkload',
  'HPAScaleToZero',
  'HostnameOverride',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'KMSv1',
  'MatchLabelKeysInPodTopologySpread',
  'MatchLabelKeysInPodTopologySpreadSelectorMerge',
  'MaxUnavailableStatefulSet',
  'MutablePVNodeAffinity',
  'PodCertificateRequest',
  'PodDeletionCost',
  'PodLevelResources',
  'PodLogsQuerySplitStreams',
  'ResourceHealthStatus',
  'ResourceHealthStatusMessage',
  'RestartAllContainersOnContainerExits',
  'ServiceAccountNodeAudienceRestriction',
  'StorageVersionAPI',
  'StorageVersionMigrator',
  'TaintTolerationComparisonOperators',
  'UnauthenticatedHTTP2DOSMitigation',
  'UnknownVersionInteroperabilityProxy',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = (gate: Gate) => boolean;

const DEFAULTS = new FeatureGates();

/** Gates where nobody has said anything. */
export const isEnabledByDefault: IsEnabled = (gate) => DEFAULTS.enabled(gate);
