import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<HorizontalPodAutoscaler> = {
  columns: [
    nameColumn,
    column('Reference', 'string', 'autoscaling.v2.HorizontalPodAutoscalerSpec.scaleTargetRef'),
    column('Targets', 'string', 'autoscaling.v2.HorizontalPodAutoscalerSpec.metrics'),
    column('MinPods', 'string', 'autoscaling.v2.HorizontalPodAutoscalerSpec.minReplicas'),
    column('MaxPods', 'string', 'autoscaling.v2.HorizontalPodAutoscalerSpec.maxReplicas'),
    column('Replicas', 'string', 'autoscaling.v2.HorizontalPodAutoscalerStatus.currentReplicas'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      `${obj.spec.scaleTargetRef.kind}/${obj.spec.scaleTargetRef.name}`,
      formatMetrics(obj.spec.metrics ?? [], obj.status.currentMetrics ?? []),
      obj.spec.minReplicas === undefined ? '<unset>' : String(obj.spec.minReplicas),
      obj.spec.maxReplicas,
      obj.status.currentReplicas ?? 0,
      age(obj),
    ],
  }),
};

const SHOWN = 2;
const UNKNOWN = '<unknown>';

function formatMetrics(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return '<none>';
  const texts = specs.map((spec, i) => formatMetric(spec, statuses[i]));
  const shown = texts.slice(0, SHOWN).join(', ');
  return texts.length > SHOWN ? `${shown} + ${texts.length - SHOWN} more...` : shown;
}

function formatMetric(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return formatAmount(spec.external!.target, status?.external?.current);
    case 'Object':
      return formatAmount(spec.object!.target, status?.object?.current);
    case 'Pods':
      return `${status?.pods ? (status.pods.current.averageValue ?? '0') : UNKNOWN}/${spec.pods!.target.averageValue}`;
    case 'Resource':
      return `${spec.resource!.name}: ${formatUtilization(spec.resource!.target, status?.resource?.current)}`;
    case 'ContainerResource':
      return `${spec.containerResource!.name}: ${formatUtilization(spec.containerResource!.target, status?.containerResource?.current)}`;
    default:
      return '<unknown type>';
  }
}

/** `3/5`, or `3/5 (avg)` for an average per pod. */
function formatAmount(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`;
  return `${current ? (current.value ?? '0') : UNKNOWN}/${target.value ?? '0'}`;
}

/** `10%/80%`, or amounts. */
function formatUtilization(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined)
    return `${current ? (current.averageValue ?? '0') : UNKNOWN}/${target.averageValue}`;
  const percent = (value: number | undefined, none: string) => (value === undefined ? none : `${value}%`);
  return `${percent(current?.averageUtilization, UNKNOWN)}/${percent(target.averageUtilization, '<auto>')}`;
}
