import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseCIDRSloppy } from '@keelson/api/ip';
import { parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import { signingKey } from '@keelson/component/jwt/keys';
import { type ControllerSettings, defaultSettings } from '@keelson/controllers/settings';
import { readFault } from '../data-directory.ts';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';

/** Which flag says how many objects a controller works on at once. */
const CONCURRENCY = {
  'concurrent-cron-job-syncs': 'cronjob-controller',
  'concurrent-daemonset-syncs': 'daemonset-controller',
  'concurrent-deployment-syncs': 'deployment-controller',
  'concurrent-device-taint-eviction-syncs': 'device-taint-eviction-controller',
  'concurrent-endpoint-syncs': 'endpoints-controller',
  'concurrent-ephemeralvolume-syncs': 'ephemeral-volume-controller',
  'concurrent-gc-syncs': 'garbage-collector-controller',
  'concurrent-horizontal-pod-autoscaler-syncs': 'horizontal-pod-autoscaler-controller',
  'concurrent-job-syncs': 'job-controller',
  'concurrent-namespace-syncs': 'namespace-controller',
  'concurrent-rc-syncs': 'replicationcontroller-controller',
  'concurrent-replicaset-syncs': 'replicaset-controller',
  'concurrent-resource-quota-syncs': 'resourcequota-controller',
  'concurrent-resourceclaim-syncs': 'resourceclaim-controller',
  'concurrent-service-endpoint-syncs': 'endpointslice-controller',
  'concurrent-serviceaccount-token-syncs': 'serviceaccount-token-controller',
  'concurrent-statefulset-syncs': 'statefulset-controller',
  'concurrent-ttl-after-finished-syncs': 'ttl-after-finished-controller',
  'concurrent-validating-admission-policy-status-syncs': 'validatingadmissionpolicy-status-controller',
  'mirroring-concurrent-service-endpoint-syncs': 'endpointslice-mirroring-controller',
} as const;

/** What the flags mean to the controllers. @throws StartupError for files that cannot be read */
export async function settingsOf(values: Values): Promise<ControllerSettings> {
  const rootCa = await textOf(values, 'root-ca-file');
  const certificate = await textOf(values, 'cluster-signing-cert-file');
  const key = await textOf(values, 'cluster-signing-key-file');
  const tokenKey = await textOf(values, 'service-account-private-key-file');
  const durationMs = values['cluster-signing-duration'];
  const gates = parseFeatureGates(values['feature-gates']);
  return {
    ...defaultSettings,
    isEnabled: gates.isEnabled,
    concurrency: concurrencyOf(values),
    ...(certificate && key ? { signing: { authority: { certificate, key }, durationMs } } : {}),
    ...(rootCa === undefined ? {} : { rootCa }),
    ...(tokenKey === undefined ? {} : { tokenKey: signingKey(createPrivateKey(tokenKey)) }),
    ...(values['allocate-node-cidrs'] ? { nodeRanges: nodeRangesOf(values) } : {}),
    legacyTokenPeriodMs: values['legacy-service-account-token-clean-up-period'],
    forceDetach: !values['disable-force-detach-on-timeout'],
    terminatedPodThreshold: values['terminated-pod-gc-threshold'],
    autoscaler: {
      syncPeriodMs: values['horizontal-pod-autoscaler-sync-period'],
      downscaleStabilizationMs: values['horizontal-pod-autoscaler-downscale-stabilization'],
      tolerance: values['horizontal-pod-autoscaler-tolerance'],
      cpuInitializationMs: values['horizontal-pod-autoscaler-cpu-initialization-period'],
      initialReadinessDelayMs: values['horizontal-pod-autoscaler-initial-readiness-delay'],
    },
    nodeMonitor: {
      periodMs: values['node-monitor-period'],
      graceMs: values['node-monitor-grace-period'],
      startupGraceMs: values['node-startup-grace-period'],
    },
    nodeEviction: {
      evictionRate: values['node-eviction-rate'],
      secondaryEvictionRate: values['secondary-node-eviction-rate'],
      largeClusterSize: values['large-cluster-size-threshold'],
      unhealthyThreshold: values['unhealthy-zone-threshold'],
    },
  };
}

function concurrencyOf(values: Values): ReadonlyMap<string, number> {
  const flags = Object.keys(CONCURRENCY) as (keyof typeof CONCURRENCY)[];
  return new Map(flags.map((flag) => [CONCURRENCY[flag], values[flag]]));
}

type FileFlag =
  | 'root-ca-file'
  | 'cluster-signing-cert-file'
  | 'cluster-signing-key-file'
  | 'service-account-private-key-file';

async function textOf(values: Values, flag: FileFlag): Promise<string | undefined> {
  if (values[flag] === '') return undefined;
  try {
    return await readFile(values[flag], 'utf8');
  } catch (error) {
    throw new StartupError(`cannot read --${flag}: ${readFault(error)}`, 'correct it, or leave it out');
  }
}

/** Defaults of --node-cidr-mask-size and its kin. */
const MASK_SIZES = { IPv4: 24, IPv6: 64 } as const;

function nodeRangesOf(values: Values): NonNullable<ControllerSettings['nodeRanges']> {
  const wholes = values['cluster-cidr'].split(',').flatMap((text) => parseCIDRSloppy(text.trim()) ?? []);
  return wholes.map((whole) => {
    const { family } = whole.ip;
    const ofFamily = values[family === 'IPv4' ? 'node-cidr-mask-size-ipv4' : 'node-cidr-mask-size-ipv6'];
    const bits = ofFamily || (wholes.length === 1 && values['node-cidr-mask-size']) || MASK_SIZES[family];
    return { whole, bits };
  });
}
