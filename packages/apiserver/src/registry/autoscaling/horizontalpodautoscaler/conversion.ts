/**
 * Between autoscaling/v1 and the v2 form that is stored (k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go). What
 * v1 has no field for travels in annotations.
 */
import { goJSON } from '@keelson/api/field';
import type { HorizontalPodAutoscaler as V1 } from '@keelson/api/generated/types/autoscaling/v1';
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HorizontalPodAutoscalerCondition,
  HPAScalingRules,
} from '@keelson/api/generated/types/autoscaling/v2';
import type { KubeObject, ObjectMeta } from '@keelson/api/object';
import { sortedByName } from '@keelson/api/resources/list';
import type { VersionConversion } from '../../strategy.ts';
import { internalValue } from '../../validation/internal.ts';
import { cpuUtilization, isCpuStatus, isCpuUtilization } from './metrics.ts';
import { fromV1Metric, fromV1Status, present, Reader, toV1Metric, toV1Status } from './v1metrics.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const METRICS = `${PREFIX}metrics`;
const BEHAVIOR = `${PREFIX}behavior`;
const STATUSES = `${PREFIX}current-metrics`;
const CONDITIONS = `${PREFIX}conditions`;
/** Where v1 keeps what it has no fields for. */
export const ROUND_TRIP = [
  METRICS,
  BEHAVIOR,
  STATUSES,
  CONDITIONS,
  `${PREFIX}scale-down-tolerance`,
  `${PREFIX}scale-up-tolerance`,
];
const BEHAVIOR_TYPE = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior';
const DEFAULT_UTILIZATION = 80;

export const v1: VersionConversion = {
  toStorage: (obj) => toV2(obj as unknown as V1) as unknown as KubeObject,
  fromStorage: (obj) => toV1(obj as unknown as HorizontalPodAutoscaler) as unknown as KubeObject,
};

/** The object as it comes back when it has been stored. */
export function throughV2(obj: V1): V1 {
  return toV1(toV2(obj));
}

function toV2({ metadata, spec, status }: V1): HorizontalPodAutoscaler {
  const { targetCPUUtilizationPercentage: target, ...rest } = spec;
  const { currentCPUUtilizationPercentage: current, currentReplicas, desiredReplicas, ...times } = status;
  const annotations = metadata.annotations ?? {};
  const metrics = [
    ...(decode(annotations[METRICS], (json) => list(json).map(fromV1Metric)) ?? []),
    ...(target === undefined ? [] : [cpuUtilization(target)]),
  ];
  const behavior = decode(annotations[BEHAVIOR], decodeBehavior);
  const currentMetrics =
    decode(annotations[STATUSES], (json) => list(json).map(fromV1Status)) ??
    (current === undefined
      ? undefined
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }]);
  const conditions = decode(annotations[CONDITIONS], (json) => list(json).map(decodeCondition));
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v2',
    metadata: withoutRoundTrip(metadata),
    spec: present({
      ...rest,
      metrics: metrics.length > 0 ? metrics : [cpuUtilization(DEFAULT_UTILIZATION)],
      behavior: behavior && Object.keys(behavior).length > 0 ? behavior : undefined,
    }),
    status: present({
      ...times,
      currentReplicas: currentReplicas || undefined,
      desiredReplicas,
      currentMetrics: currentMetrics?.length ? currentMetrics : null,
      conditions: conditions?.length ? conditions : undefined,
    }),
  };
}

function toV1({ metadata, spec, status }: HorizontalPodAutoscaler): V1 {
  const { metrics, behavior, ...rest } = spec;
  const { currentMetrics, conditions, currentReplicas, desiredReplicas, ...times } = status;
  const others = (metrics ?? []).filter((metric) => !isCpuUtilization(metric));
  const annotations: Record<string, string> = {};
  if (others.length > 0) annotations[METRICS] = goJSON(others.map(toV1Metric));
  if (currentMetrics?.length) annotations[STATUSES] = goJSON(currentMetrics.map(toV1Status));
  if (behavior) annotations[BEHAVIOR] = internalValue(BEHAVIOR_TYPE, behavior).text;
  if (conditions?.length) annotations[CONDITIONS] = goJSON(conditions.map(encodeCondition));
  const kept = withoutRoundTrip(metadata);
  const all = { ...kept.annotations, ...annotations };
  return {
    kind: 'HorizontalPodAutoscaler',
    apiVersion: 'autoscaling/v1',
    metadata: Object.keys(all).length > 0 ? { ...kept, annotations: sortedByName(all) } : kept,
    spec: present({
      ...rest,
      targetCPUUtilizationPercentage: metrics?.find(isCpuUtilization)?.resource?.target.averageUtilization,
    }),
    status: present({
      ...times,
      currentReplicas: currentReplicas ?? 0,
      desiredReplicas,
      currentCPUUtilizationPercentage: currentMetrics
        ?.filter((m) => isCpuStatus(m) && m.resource?.current.averageUtilization !== undefined)
        .at(-1)?.resource?.current.averageUtilization,
    }),
  };
}

/** v2 has fields for all of this: annotations that look like v1's are dropped from it. */
export function withoutRoundTrip(metadata: ObjectMeta): ObjectMeta {
  const { annotations, ...rest } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !ROUND_TRIP.includes(key));
  return kept.length > 0 ? { ...rest, annotations: Object.fromEntries(kept) } : rest;
}

/** Undefined where the annotation is missing or does not read: upstream ignores it then. */
function decode<T>(text: string | undefined, read: (json: unknown) => T): T | undefined {
  if (text === undefined) return undefined;
  try {
    return read(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function list(json: unknown): unknown[] {
  if (json === null) return [];
  if (!Array.isArray(json)) throw new Error('not a list');
  return json;
}

/** Written with the names of Go's fields, since upstream's type for it has no others. */
function decodeBehavior(json: unknown): HorizontalPodAutoscalerBehavior {
  const behavior = new Reader(json);
  return present({
    scaleUp: decodeRules(behavior.struct('ScaleUp')),
    scaleDown: decodeRules(behavior.struct('ScaleDown')),
  });
}

function decodeRules(rules: Reader | undefined): HPAScalingRules | undefined {
  if (!rules) return undefined;
  return present({
    stabilizationWindowSeconds: rules.number('StabilizationWindowSeconds'),
    selectPolicy: rules.text('SelectPolicy') || undefined,
    policies: rules.list('Policies')?.map((json) => {
      const policy = new Reader(json);
      return {
        type: policy.text('Type'),
        value: policy.number('Value') ?? 0,
        periodSeconds: policy.number('PeriodSeconds') ?? 0,
      };
    }),
    tolerance: rules.quantity('Tolerance'),
  });
}

function decodeCondition(json: unknown): HorizontalPodAutoscalerCondition {
  const condition = new Reader(json);
  return present({
    type: condition.text('type'),
    status: condition.text('status'),
    lastTransitionTime: condition.text('lastTransitionTime') || undefined,
    reason: condition.text('reason') || undefined,
    message: condition.text('message') || undefined,
  });
}

function encodeCondition({
  type,
  status,
  lastTransitionTime,
  reason,
  message,
}: HorizontalPodAutoscalerCondition): object {
  return present({ type, status, lastTransitionTime: lastTransitionTime ?? null, reason, message });
}
