import { type ErrorList, forbidden, invalid, notSupported, Path, required } from '@keelson/api/field';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  HPAScalingPolicy,
  HPAScalingRules,
} from '@keelson/api/generated/types/autoscaling/v2';
import { nonNegative } from '../../validation/fields.ts';
import { validateNonNegativeQuantity } from '../../validation/resources.ts';
import { validateMetric } from './metricvalidation.ts';
import { apiVersionProblem, type ReferenceOptions, validateReference } from './reference.ts';

const SPEC = Path.of('spec');
const MAX_PERIOD = 1800;
const MAX_WINDOW = 3600;
const SELECT_POLICIES = ['Disabled', 'Max', 'Min'];
const POLICY_TYPES = ['Percent', 'Pods'];

/** @param old lets through what it holds already @param toZero targets may have no pods at all */
export function validateAutoscaler(
  { spec }: HorizontalPodAutoscaler,
  old: HorizontalPodAutoscaler | undefined,
  toZero: boolean,
): ErrorList {
  const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec;
  const [minAt, maxAt, metricsAt] = [SPEC.child('minReplicas'), SPEC.child('maxReplicas'), SPEC.child('metrics')];
  const least = toZero || old?.spec.minReplicas === 0 ? 0 : 1;
  const errors: ErrorList = [];
  if (minReplicas !== undefined && minReplicas < least)
    errors.push(invalid(minAt, minReplicas, `must be greater than or equal to ${least}`));
  if (maxReplicas === 0) errors.push(required(maxAt, 'must be set and greater than 0'));
  if (maxReplicas < 0) errors.push(invalid(maxAt, maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    errors.push(invalid(maxAt, maxReplicas, 'must be greater than or equal to `minReplicas`'));
  errors.push(...validateReference(spec.scaleTargetRef, targetOptions(spec, old?.spec), SPEC.child('scaleTargetRef')));
  const objects = { allowEmptyGroup: true, allowInvalid: hasInvalidObjectMetric(old?.spec) };
  for (const [i, metric] of metrics.entries()) errors.push(...validateMetric(metric, objects, metricsAt.index(i)));
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External'))
    errors.push(
      forbidden(metricsAt, 'must specify at least one Object or External metric to support scaling to zero replicas'),
    );
  return [
    ...errors,
    ...validateRules(behavior?.scaleUp, SPEC.child('behavior', 'scaleUp')),
    ...validateRules(behavior?.scaleDown, SPEC.child('behavior', 'scaleDown')),
  ];
}

/** Replication controllers alone have no group. */
function targetOptions(
  { scaleTargetRef: target }: HorizontalPodAutoscalerSpec,
  old?: HorizontalPodAutoscalerSpec,
): ReferenceOptions {
  const before = old?.scaleTargetRef;
  const same =
    before !== undefined && (before.apiVersion ?? '') === (target.apiVersion ?? '') && before.kind === target.kind;
  return { allowInvalid: same, allowEmptyGroup: target.kind === 'ReplicationController' };
}

function hasInvalidObjectMetric(spec: HorizontalPodAutoscalerSpec | undefined): boolean {
  return (spec?.metrics ?? []).some(
    ({ type, object }) => type === 'Object' && object && apiVersionProblem(object.describedObject, true) !== undefined,
  );
}

function validateRules(rules: HPAScalingRules | undefined, path: Path): ErrorList {
  if (!rules) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const windowAt = path.child('stabilizationWindowSeconds');
  const errors: ErrorList = [];
  if (window !== undefined && window < 0)
    errors.push(invalid(windowAt, window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > MAX_WINDOW)
    errors.push(invalid(windowAt, window, `must be less than or equal to ${MAX_WINDOW}`));
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy))
    errors.push(notSupported(path.child('selectPolicy'), selectPolicy, SELECT_POLICIES));
  const at = path.child('policies');
  if (policies.length === 0) errors.push(required(at, 'must specify at least one Policy'));
  errors.push(...policies.flatMap((policy, i) => validatePolicy(policy, at.index(i))));
  if (tolerance !== undefined) errors.push(...validateNonNegativeQuantity(tolerance, path.child('tolerance')));
  return errors;
}

function validatePolicy({ type = '', value, periodSeconds }: HPAScalingPolicy, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (!POLICY_TYPES.includes(type)) errors.push(notSupported(path.child('type'), type, POLICY_TYPES));
  if (value <= 0) errors.push(invalid(path.child('value'), value, 'must be greater than zero'));
  const at = path.child('periodSeconds');
  if (periodSeconds <= 0) errors.push(invalid(at, periodSeconds, 'must be greater than zero'));
  if (periodSeconds > MAX_PERIOD)
    errors.push(invalid(at, periodSeconds, `must be less than or equal to ${MAX_PERIOD}`));
  return errors;
}

export function validateStatus({ status }: HorizontalPodAutoscaler): ErrorList {
  const at = Path.of('status');
  return [
    ...nonNegative(status.currentReplicas ?? 0, at.child('currentReplicas')),
    ...nonNegative(status.desiredReplicas ?? 0, at.child('desiredReplicas')),
  ];
}
