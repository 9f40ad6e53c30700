/** What a configuration that says nothing means (pkg/scheduler/apis/config/v1/defaults.go, default_plugins.go). */
import { type Extension, extensions } from '../framework/places.ts';
import type {
  ClientConnectionConfiguration,
  EnabledPlugin,
  LeaderElectionConfiguration,
  PluginSet,
  PluginsConfiguration,
  ProfileConfiguration,
  ResourceWeight,
  SchedulerConfiguration,
} from './types.ts';

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler';

/** In the order in which they are asked. */
const defaultPlugins: readonly EnabledPlugin[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources', weight: 2 },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
  { name: 'NodeDeclaredFeatures' },
];

const cpuAndMemory: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];

/** What plugins are given that the configuration says nothing about, and what it may leave out. */
export const defaultArgs: Readonly<Record<string, object>> = {
  NodeResourcesFit: {
    ignoredResources: [],
    ignoredResourceGroups: [],
    scoringStrategy: { type: 'LeastAllocated', resources: cpuAndMemory },
  },
  NodeResourcesBalancedAllocation: { resources: cpuAndMemory },
  NodeAffinity: {},
  InterPodAffinity: { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false },
  PodTopologySpread: { defaultConstraints: [], defaultingType: 'System' },
  DefaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
  VolumeBinding: { bindTimeoutSeconds: 600 },
  DynamicResources: { filterTimeoutMs: 10_000, bindingTimeoutMs: 600_000 },
};

const nothingConfigured: PluginSet = { enabled: [], disabled: [] };

/** The plugins of a profile that asks for nothing else. */
export function defaultPluginsConfiguration(): PluginsConfiguration {
  const places = {} as Record<Extension, PluginSet>;
  for (const extension of extensions) places[extension] = nothingConfigured;
  return { ...places, multiPoint: { enabled: defaultPlugins, disabled: [] } };
}

export function defaultProfile(schedulerName = DEFAULT_SCHEDULER_NAME): ProfileConfiguration {
  return {
    schedulerName,
    plugins: defaultPluginsConfiguration(),
    args: new Map(Object.entries(defaultArgs)),
  };
}

export const defaultLeaderElection: LeaderElectionConfiguration = {
  leaderElect: true,
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
  resourceLock: 'leases',
  resourceName: 'kube-scheduler',
  resourceNamespace: 'kube-system',
};

export const defaultClientConnection: ClientConnectionConfiguration = {
  kubeconfig: '',
  acceptContentTypes: '',
  contentType: 'application/vnd.kubernetes.protobuf',
  qps: 50,
  burst: 100,
};

export function defaultConfiguration(): SchedulerConfiguration {
  return {
    parallelism: 16,
    percentageOfNodesToScore: 0,
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
    profiles: [defaultProfile()],
    extenders: [],
    leaderElection: defaultLeaderElection,
    clientConnection: defaultClientConnection,
    enableProfiling: true,
    enableContentionProfiling: true,
    delayCacheUntilActive: false,
  };
}
