import { withCondition } from '@keelson/api/conditions';
import type {
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import type { Saying } from './limits.ts';

/** The conditions of an autoscaler while it is looked at: each says one thing at a time. */
export class Conditions {
  readonly #now: number;
  #list: HorizontalPodAutoscalerCondition[];

  constructor({ conditions = [] }: HorizontalPodAutoscalerStatus, now: number) {
    this.#list = conditions;
    this.#now = now;
  }

  get list(): HorizontalPodAutoscalerCondition[] {
    return [...this.#list];
  }

  /** The time of its last transition stays as long as the status does. */
  set(
    type: 'AbleToScale' | 'ScaledToZero' | 'ScalingActive' | 'ScalingLimited',
    { status, reason, message }: Saying,
  ): void {
    this.#list = withCondition(this.#list, { type, status, reason, message }, new Date(this.#now));
  }

  remove(type: string): void {
    this.#list = this.#list.filter((condition) => condition.type !== type);
  }
}
