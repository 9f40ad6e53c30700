import type { DeploymentCondition } from '@keelson/api/generated/types/apps/v1';
import { formatTime } from '@keelson/api/time';

type Conditions = readonly DeploymentCondition[];

/** What a condition is to say. */
export interface Saying {
  readonly type: 'Progressing' | 'Available';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

export function conditionOf(conditions: Conditions, type: string): DeploymentCondition | undefined {
  return conditions.find((condition) => condition.type === type);
}

export function without(conditions: Conditions, type: string): DeploymentCondition[] {
  return conditions.filter((condition) => condition.type !== type);
}

/** One that says the same stays as it was; one of the same status keeps the time of its transition. */
export function withCondition(conditions: Conditions, saying: Saying, now: number): DeploymentCondition[] {
  const before = conditionOf(conditions, saying.type);
  if (before?.status === saying.status && before.reason === saying.reason) return [...conditions];
  return renewed(conditions, saying, now);
}

/** The same, but the condition is as of now even when it says the same. */
export function renewed(conditions: Conditions, saying: Saying, now: number): DeploymentCondition[] {
  const before = conditionOf(conditions, saying.type);
  const lastUpdateTime = formatTime(new Date(now));
  const lastTransitionTime = before?.status === saying.status ? before.lastTransitionTime! : lastUpdateTime;
  return [...without(conditions, saying.type), { ...saying, lastUpdateTime, lastTransitionTime }];
}
