/** The fields that a KubeletConfiguration may have (k8s.io/kubelet/config/v1beta1), at its top. */
import { meantBy } from '@keelson/component/pflag/flags';

const known = `
  kind apiVersion enableServer staticPodPath podLogsDir syncFrequency fileCheckFrequency httpCheckFrequency
  staticPodURL staticPodURLHeader address port readOnlyPort tlsCertFile tlsPrivateKeyFile tlsCipherSuites
  tlsCurvePreferences tlsMinVersion rotateCertificates serverTLSBootstrap authentication authorization
  registryPullQPS registryBurst imagePullCredentialsVerificationPolicy preloadedImagesVerificationAllowlist
  eventRecordQPS eventBurst enableDebuggingHandlers enableContentionProfiling healthzPort healthzBindAddress
  oomScoreAdj clusterDomain clusterDNS streamingConnectionIdleTimeout nodeStatusUpdateFrequency
  nodeStatusReportFrequency nodeLeaseDurationSeconds imageMinimumGCAge imageMaximumGCAge
  imageGCHighThresholdPercent imageGCLowThresholdPercent volumeStatsAggPeriod kubeletCgroups systemCgroups
  cgroupRoot cgroupsPerQOS cgroupDriver cpuManagerPolicy singleProcessOOMKill cpuManagerPolicyOptions
  cpuManagerReconcilePeriod memoryManagerPolicy topologyManagerPolicy topologyManagerScope
  topologyManagerPolicyOptions qosReserved runtimeRequestTimeout hairpinMode maxPods podCIDR podPidsLimit
  resolvConf runOnce cpuCFSQuota cpuCFSQuotaPeriod nodeStatusMaxImages maxOpenFiles contentType kubeAPIQPS
  kubeAPIBurst serializeImagePulls maxParallelImagePulls evictionHard evictionSoft evictionSoftGracePeriod
  evictionPressureTransitionPeriod evictionMaxPodGracePeriod evictionMinimumReclaim mergeDefaultEvictionSettings
  podsPerCore enableControllerAttachDetach protectKernelDefaults makeIPTablesUtilChains iptablesMasqueradeBit
  iptablesDropBit featureGates failSwapOn memorySwap containerLogMaxSize containerLogMaxFiles
  containerLogMaxWorkers containerLogMonitorInterval configMapAndSecretChangeDetectionStrategy systemReserved
  kubeReserved reservedSystemCPUs showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup
  enforceNodeAllocatable allowedUnsafeSysctls volumePluginDir providerID kernelMemcgNotification logging
  enableSystemLogHandler enableSystemLogQuery shutdownGracePeriod shutdownGracePeriodCriticalPods
  shutdownGracePeriodByPodPriority crashLoopBackOff reservedMemory enableProfilingHandler enableDebugFlagsHandler
  seccompDefault memoryThrottlingFactor memoryReservationPolicy registerWithTaints registerNode tracing
  localStorageCapacityIsolation containerRuntimeEndpoint imageServiceEndpoint failCgroupV1 userNamespaces
`
  .trim()
  .split(/\s+/);

/** @returns what is wrong with the names of an object's fields, in upstream's words and with what may have been meant; undefined: nothing */
export function unknownFields(object: object): string | undefined {
  const unknown = Object.keys(object).filter((name) => !known.includes(name));
  if (unknown.length === 0) return undefined;
  const told = unknown.map((name) => {
    const meant = meantBy(name, known);
    return `unknown field ${JSON.stringify(name)}${meant === undefined ? '' : ` (${meant}?)`}`;
  });
  return `strict decoding error: ${told.join(', ')}`;
}
