import type { CIDR } from '@keelson/api/ip';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import type { SigningKey } from '@keelson/component/jwt/keys';
import type { Authority } from './certificates/signer.ts';
import type { IsEnabled } from './gates.ts';
import type { Patience } from './nodelifecycle/health.ts';
import type { ZoneSettings } from './nodelifecycle/zones.ts';

/**
 * What kube-controller-manager's flags set, with upstream's defaults (pkg/controller/apis/config). Durations are
 * milliseconds. Each controller documents the ones it reads beside them.
 */
export interface ControllerSettings {
  /** Whether a feature gate is (`--feature-gates`). */
  readonly isEnabled: IsEnabled;
  /** Workers of each controller that has several, by controller name; others have the default of their own. */
  readonly concurrency: ReadonlyMap<string, number>;
  /** So many pods that have come to their end are kept (`--terminated-pod-gc-threshold`); 0 keeps all. */
  readonly terminatedPodThreshold: number;
  /** A token in a secret goes when it was not used for so long (`--legacy-service-account-token-clean-up-period`). */
  readonly legacyTokenPeriodMs: number;
  /** Whether a volume leaves a node that is not ready before it says that it is unmounted (`--disable-force-detach-on-timeout`). */
  readonly forceDetach: boolean;
  /** How workloads are scaled by what they take (`--horizontal-pod-autoscaler-*`). */
  readonly autoscaler: {
    readonly syncPeriodMs: number;
    /** For so long scaling down waits for a higher recommendation, where the behavior does not say. */
    readonly downscaleStabilizationMs: number;
    readonly tolerance: number;
    readonly cpuInitializationMs: number;
    readonly initialReadinessDelayMs: number;
  };
  /** PEM of the authorities that the API server's certificate leads to (`--root-ca-file`); without it they are not published. */
  readonly rootCa?: string;
  /** Signs tokens that are kept in secrets (`--service-account-private-key-file`); without it none are made. */
  readonly tokenKey?: SigningKey;
  /** The authority that signs certificates, and how long they last at most (`--cluster-signing-*`); without it none are. */
  readonly signing?: { readonly authority: Authority; readonly durationMs: number };
  /** Where nodes get addresses for their pods, one range for each family (`--allocate-node-cidrs`, `--cluster-cidr`, `--node-cidr-mask-size*`). */
  readonly nodeRanges?: readonly { readonly whole: CIDR; readonly bits: number }[];
  /** How nodes are watched over (`--node-monitor-*`, `--node-startup-grace-period`). */
  readonly nodeMonitor: Patience & { readonly periodMs: number };
  /** How fast pods leave nodes that are not ready (`--node-eviction-rate` and others). */
  readonly nodeEviction: ZoneSettings;
}

export const defaultSettings: ControllerSettings = {
  isEnabled: isEnabledByDefault,
  concurrency: new Map(),
  terminatedPodThreshold: 12_500,
  legacyTokenPeriodMs: 365 * 24 * 60 * 60 * 1000,
  forceDetach: true,
  autoscaler: {
    syncPeriodMs: 15_000,
    downscaleStabilizationMs: 300_000,
    tolerance: 0.1,
    cpuInitializationMs: 300_000,
    initialReadinessDelayMs: 30_000,
  },
  nodeMonitor: { periodMs: 5_000, graceMs: 50_000, startupGraceMs: 60_000 },
  nodeEviction: { evictionRate: 0.1, secondaryEvictionRate: 0.01, largeClusterSize: 50, unhealthyThreshold: 0.55 },
};
