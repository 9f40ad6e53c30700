/** Match conditions: expressions that must all hold before a webhook or a policy is asked. */
import type { MatchCondition } from '@keelson/api/generated/types/admissionregistration/v1';
import type { ConditionSubject } from '../metrics.ts';
import type { VersionedObjects } from './forms.ts';

/** Conditions that cannot be evaluated, and nobody said that this does not matter. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
}

export interface MatchConditions {
  /** @throws ConditionError */
  match(objects: VersionedObjects): Promise<boolean>;
}

export interface ConditionsGiven {
  readonly conditions: readonly MatchCondition[];
  readonly failurePolicy: string | undefined;
  readonly subject: ConditionSubject;
}

export type CompileConditions = (given: ConditionsGiven) => MatchConditions;
