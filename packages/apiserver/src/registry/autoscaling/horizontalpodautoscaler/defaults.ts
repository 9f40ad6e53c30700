import type { HorizontalPodAutoscaler as V1 } from '@keelson/api/generated/types/autoscaling/v1';
import type { HorizontalPodAutoscaler, HPAScalingRules } from '@keelson/api/generated/types/autoscaling/v2';
import { cpuUtilization } from './metrics.ts';

const PERIOD = 15;
const SCALE_UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: PERIOD },
    { type: 'Percent', value: 100, periodSeconds: PERIOD },
  ],
};
/** Its stabilization window is a flag of the controller. */
const SCALE_DOWN: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: PERIOD }],
};

/** The metric that a v1 object without one gets comes with its conversion, which knows the annotations. */
export function defaults(autoscaler: HorizontalPodAutoscaler | V1, version: string): void {
  autoscaler.spec.minReplicas ??= 1;
  if (version !== 'v1') defaultV2((autoscaler as HorizontalPodAutoscaler).spec);
}

const DEFAULT_UTILIZATION = 80;

function defaultV2(spec: HorizontalPodAutoscaler['spec']): void {
  if (!spec.metrics?.length) spec.metrics = [cpuUtilization(DEFAULT_UTILIZATION)];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = { ...structuredClone(SCALE_UP), ...spec.behavior.scaleUp };
  spec.behavior.scaleDown = { ...structuredClone(SCALE_DOWN), ...spec.behavior.scaleDown };
}
