/** How far a rollout may stray from the number of replicas (pkg/controller/deployment/util). */
import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import { scaledValue } from '@keelson/api/intstr';

/** What is unlimited is written as the largest number of 32 bits. */
const UNLIMITED = 2 ** 31 - 1;

export interface Limits {
  /** How many more pods there may be than wanted. */
  readonly surge: number;
  /** How many fewer may be available than wanted. */
  readonly unavailable: number;
}

export function replicasOf({ spec }: { spec: { replicas?: number } }): number {
  return spec.replicas ?? 0;
}

export function limitsOf(deployment: Deployment): Limits {
  const { strategy } = deployment.spec;
  if (strategy.type !== 'RollingUpdate') return { surge: 0, unavailable: 0 };
  const replicas = replicasOf(deployment);
  const surge = scaledValue(strategy.rollingUpdate?.maxSurge ?? 0, replicas, true);
  const unavailable = scaledValue(strategy.rollingUpdate?.maxUnavailable ?? 0, replicas, false);
  // Both would be a rollout that cannot begin.
  const resolved = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { surge, unavailable: Math.min(resolved, replicas) };
}

/** Seconds within which a rollout has to get on; undefined where there is no deadline. */
export function progressDeadline({ spec }: Deployment): number | undefined {
  return spec.progressDeadlineSeconds === UNLIMITED ? undefined : spec.progressDeadlineSeconds;
}

/** How many old replica sets are kept; undefined for all. */
export function historyLimit({ spec }: Deployment): number | undefined {
  return spec.revisionHistoryLimit === UNLIMITED ? undefined : spec.revisionHistoryLimit;
}
