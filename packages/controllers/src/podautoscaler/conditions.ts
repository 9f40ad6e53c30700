import type {
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import { formatTime } from '@keelson/api/time';
import type { Saying } from './limits.ts';

/** The conditions of an autoscaler while it is looked at: each says one thing at a time. */
export class Conditions {
  readonly #now: number;
  #list: readonly HorizontalPodAutoscalerCondition[];

  constructor({ conditions = [] }: HorizontalPodAutoscalerStatus, now: number) {
    this.#list = conditions;
    this.#now = now;
  }

  get list(): HorizontalPodAutoscalerCondition[] {
    return [...this.#list];
  }

  /** The time of its last transition stays as long as the status does. */
  set(type: 'AbleToScale' | 'ScalingActive' | 'ScalingLimited', { status, reason, message }: Saying): void {
    const before = this.#list.find((condition) => condition.type === type);
    const same = before?.status === status && before.lastTransitionTime !== undefined;
    const lastTransitionTime = same ? before.lastTransitionTime! : formatTime(new Date(this.#now));
    const next = { type, status, lastTransitionTime, reason, message };
    this.#list = before ? this.#list.map((each) => (each === before ? next : each)) : [...this.#list, next];
  }

  remove(type: string): void {
    this.#list = this.#list.filter((condition) => condition.type !== type);
  }
}
