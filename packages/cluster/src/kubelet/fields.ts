/** The fields that a KubeletConfiguration may have (k8s.io/kubelet/config/v1beta1). */
import { configFields, LOGGING_FIELDS } from '../config-fields.ts';

export const KUBELET_FIELDS = configFields(
  `
    kind apiVersion enableServer staticPodPath podLogsDir syncFrequency fileCheckFrequency httpCheckFrequency
    staticPodURL staticPodURLHeader address port readOnlyPort tlsCertFile tlsPrivateKeyFile tlsCipherSuites
    tlsCurvePreferences tlsMinVersion rotateCertificates serverTLSBootstrap registryPullQPS registryBurst
    imagePullCredentialsVerificationPolicy preloadedImagesVerificationAllowlist eventRecordQPS eventBurst
    enableDebuggingHandlers enableContentionProfiling healthzPort healthzBindAddress oomScoreAdj clusterDomain
    clusterDNS streamingConnectionIdleTimeout nodeStatusUpdateFrequency nodeStatusReportFrequency
    nodeLeaseDurationSeconds imageMinimumGCAge imageMaximumGCAge imageGCHighThresholdPercent
    imageGCLowThresholdPercent volumeStatsAggPeriod kubeletCgroups systemCgroups cgroupRoot cgroupsPerQOS
    cgroupDriver cpuManagerPolicy singleProcessOOMKill cpuManagerPolicyOptions cpuManagerReconcilePeriod
    memoryManagerPolicy topologyManagerPolicy topologyManagerScope topologyManagerPolicyOptions qosReserved
    runtimeRequestTimeout hairpinMode maxPods podCIDR podPidsLimit resolvConf runOnce cpuCFSQuota cpuCFSQuotaPeriod
    nodeStatusMaxImages maxOpenFiles contentType kubeAPIQPS kubeAPIBurst serializeImagePulls maxParallelImagePulls
    evictionHard evictionSoft evictionSoftGracePeriod evictionPressureTransitionPeriod evictionMaxPodGracePeriod
    evictionMinimumReclaim mergeDefaultEvictionSettings podsPerCore enableControllerAttachDetach
    protectKernelDefaults makeIPTablesUtilChains iptablesMasqueradeBit iptablesDropBit featureGates failSwapOn
    containerLogMaxSize containerLogMaxFiles containerLogMaxWorkers containerLogMonitorInterval
    configMapAndSecretChangeDetectionStrategy systemReserved kubeReserved reservedSystemCPUs
    showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup enforceNodeAllocatable allowedUnsafeSysctls
    volumePluginDir providerID kernelMemcgNotification enableSystemLogHandler enableSystemLogQuery
    shutdownGracePeriod shutdownGracePeriodCriticalPods enableProfilingHandler enableDebugFlagsHandler
    seccompDefault memoryThrottlingFactor memoryReservationPolicy registerNode localStorageCapacityIsolation
    containerRuntimeEndpoint imageServiceEndpoint failCgroupV1
  `,
  {
    authentication: {
      x509: configFields('clientCAFile'),
      webhook: configFields('enabled cacheTTL'),
      anonymous: configFields('enabled'),
    },
    authorization: configFields('mode', { webhook: configFields('cacheAuthorizedTTL cacheUnauthorizedTTL') }),
    crashLoopBackOff: configFields('maxContainerRestartPeriod'),
    logging: LOGGING_FIELDS,
    memorySwap: configFields('swapBehavior'),
    registerWithTaints: configFields('key value effect timeAdded'),
    reservedMemory: configFields('numaNode limits'),
    shutdownGracePeriodByPodPriority: configFields('priority shutdownGracePeriodSeconds'),
    tracing: configFields('endpoint samplingRatePerMillion'),
    userNamespaces: configFields('idsPerPod'),
  },
);
