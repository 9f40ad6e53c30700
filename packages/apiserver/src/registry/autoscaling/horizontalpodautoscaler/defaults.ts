import type { HorizontalPodAutoscaler as V1 } from '@keelson/api/generated/types/autoscaling/v1';
import type { HorizontalPodAutoscaler, HPAScalingRules } from '@keelson/api/generated/types/autoscaling/v2';
import { throughV2, withoutRoundTrip } from './conversion.ts';
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

/** What v1 says in annotations, and the metric that it gets where it names none, come out of its conversion. */
export function defaults(autoscaler: HorizontalPodAutoscaler | V1, version: string): void {
  autoscaler.spec.minReplicas ??= 1;
  if (version === 'v1') {
    Object.assign(autoscaler, throughV2(autoscaler as V1));
    return;
  }
  const v2 = autoscaler as HorizontalPodAutoscaler;
  defaultV2(v2.spec);
  v2.metadata = withoutRoundTrip(v2.metadata);
}

const DEFAULT_UTILIZATION = 80;

function defaultV2(spec: HorizontalPodAutoscaler['spec']): void {
  if (!spec.metrics?.length) spec.metrics = [cpuUtilization(DEFAULT_UTILIZATION)];
  if (!spec.behavior) return;
  spec.behavior.scaleUp = { ...structuredClone(SCALE_UP), ...spec.behavior.scaleUp };
  spec.behavior.scaleDown = { ...structuredClone(SCALE_DOWN), ...spec.behavior.scaleDown };
}
