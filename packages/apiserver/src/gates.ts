/** The feature gates that decide something in the API server. Others are checked, and change nothing. */
export const GATES = [
  'APIServerIdentity',
  'AuthorizePodWebsocketUpgradeCreatePermission',
  'ClusterTrustBundle',
  'ComponentFlagz',
  'ComponentStatusz',
  'ContainerStopSignals',
  'CrossNamespaceVolumeDataSource',
  'DRAResourceClaimGranularStatusAuthorization',
  'GenericWorkload',
  'HPAScaleToZero',
  'KMSv1',
  'MaxUnavailableStatefulSet',
  'MutablePVNodeAffinity',
  'PodCertificateRequest',
  'PodLogsQuerySplitStreams',
  'ServiceAccountNodeAudienceRestriction',
  'StorageVersionAPI',
  'StorageVersionMigrator',
  'TaintTolerationComparisonOperators',
  'UnauthenticatedHTTP2DOSMitigation',
  'UnknownVersionInteroperabilityProxy',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = (gate: Gate) => boolean;
