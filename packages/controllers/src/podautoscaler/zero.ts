/** Scaling to nothing, and from it again (HPAScaleToZero; pkg/controller/podautoscaler/horizontal.go). */
import type { HorizontalPodAutoscaler } from '@keelson/api/generated/types/autoscaling/v2';
import type { Saying } from './limits.ts';

const TO_ZERO: Saying = {
  status: 'True',
  reason: 'ScaledToZero',
  message: 'the HPA controller scaled the workload to zero',
};
const NOT_TO_ZERO: Saying = {
  status: 'False',
  reason: 'NotScaledToZero',
  message: 'the HPA controller did not scale the workload to zero',
};

/** Whether it was the autoscaler that scaled its target to zero: what somebody else has stopped stays so. */
function isScaledToZero({ status }: HorizontalPodAutoscaler): boolean {
  return (status.conditions ?? []).some(
    (condition) => condition.type === 'ScaledToZero' && condition.status === 'True',
  );
}

/** Whether the metrics of a target at zero are looked at. @param min how many there are to be at least */
export function mayLeaveZero(autoscaler: HorizontalPodAutoscaler, min: number): boolean {
  return isScaledToZero(autoscaler) && (min !== 0 || hasMetricWithoutPods(autoscaler));
}

/** What `ScaledToZero` says after a change of size. */
export function zeroSaying(autoscaler: HorizontalPodAutoscaler, current: number, replicas: number): Saying {
  const wanted = current > 0 && replicas === 0 && autoscaler.spec.minReplicas === 0;
  return wanted && hasMetricWithoutPods(autoscaler) ? TO_ZERO : NOT_TO_ZERO;
}

/** One that says something while there are no pods. */
function hasMetricWithoutPods({ spec }: HorizontalPodAutoscaler): boolean {
  return (spec.metrics ?? []).some(({ type }) => type === 'Object' || type === 'External');
}
