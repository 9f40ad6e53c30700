/** What each metric of an autoscaler proposes (pkg/controller/podautoscaler computeReplicasForMetric). */
import type {
  HorizontalPodAutoscaler,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { goSelector } from '../selectors.ts';
import {
  averageValue,
  byPods,
  byShare,
  byTotal,
  type Proposal,
  requestsOf,
  type Timing,
  type Tolerances,
  utilization,
} from './calculator.ts';
import { type Metrics, milliOf } from './metrics.ts';

/** A metric that cannot be used. */
export class MetricError extends Error {
  /** Of the condition and the event. */
  readonly reason: string;
  /** What the condition and the event say. */
  readonly why: string;

  constructor(reason: string, why: string, message: string) {
    super(message);
    this.reason = reason;
    this.why = why;
  }
}

export interface Target {
  readonly autoscaler: HorizontalPodAutoscaler;
  /** As the scale's spec and status tell. */
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** In the query form. */
  readonly selector: string;
  readonly pods: readonly Pod[];
  readonly tolerances: Tolerances;
  readonly timing: Timing;
  readonly now: number;
}

export interface Evaluation {
  readonly replicas: number;
  /** As events name it. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** @throws MetricError */
export async function evaluate(metrics: Metrics, spec: MetricSpec, target: Target): Promise<Evaluation> {
  const { resource, containerResource, pods, object, external } = spec;
  switch (spec.type) {
    case 'Resource':
      return attempt('FailedGetResourceMetric', `failed to get ${resource!.name} resource metric value`, async () => {
        const { current, ...rest } = await byResource(metrics, resource!.name, resource!.target, '', target);
        return { ...rest, status: { type: spec.type, resource: { name: resource!.name, current } } };
      });
    case 'ContainerResource': {
      const { name, container } = containerResource!;
      const what = `failed to get ${container} container metric value`;
      return attempt('FailedGetContainerResourceMetric', what, async () => {
        const { current, ...rest } = await byResource(metrics, name, containerResource!.target, container, target);
        return { ...rest, status: { type: spec.type, containerResource: { name, container, current } } };
      });
    }
    case 'Pods':
      return attempt('FailedGetPodsMetric', 'failed to get pods metric value', async () => {
        const { metric } = pods!;
        const { replicas, usage } = await byPodsMetric(metrics, metric, milliOf(pods!.target.averageValue!), target);
        const current = { averageValue: milli(usage) };
        return { replicas, name: `pods metric ${metric.name}`, status: { type: spec.type, pods: { metric, current } } };
      });
    case 'Object':
      return attempt('FailedGetObjectMetric', 'failed to get object metric value', async () => {
        const { metric, describedObject } = object!;
        const { current, ...rest } = await byObject(metrics, object!, target);
        return { ...rest, status: { type: spec.type, object: { metric, describedObject, current } } };
      });
    case 'External': {
      const { metric } = external!;
      const what = `failed to get ${metric.name} external metric value`;
      return attempt('FailedGetExternalMetric', what, async () => {
        const { current, ...rest } = await byExternal(metrics, metric, external!.target, target);
        return { ...rest, status: { type: spec.type, external: { metric, current } } };
      });
    }
    default: {
      const why = `unknown metric source type ${JSON.stringify(spec.type)}`;
      throw new MetricError('InvalidMetricSourceType', why, why);
    }
  }
}

async function attempt(reason: string, what: string, get: () => Promise<Evaluation>): Promise<Evaluation> {
  try {
    return await get();
  } catch (error) {
    const { message } = error as Error;
    throw new MetricError(reason, message, `${what}: ${message}`);
  }
}

/** The same error, told with what was tried. */
async function trying<R>(what: string, act: () => Promise<R> | R): Promise<R> {
  try {
    return await act();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

interface Measured {
  readonly replicas: number;
  readonly name: string;
  readonly current: MetricValueStatus;
}

async function byResource(
  metrics: Metrics,
  resource: string,
  { averageValue: amount, averageUtilization: percent }: MetricTarget,
  container: string,
  target: Target,
): Promise<Measured> {
  const { specReplicas, selector, pods, tolerances, timing, now, autoscaler } = target;
  const { namespace } = autoscaler.metadata;
  const read = () =>
    trying(`unable to get metrics for resource ${resource}`, () =>
      metrics.resource(resource, namespace!, selector, container),
    );
  if (amount !== undefined) {
    const measure = averageValue(resource, milliOf(amount));
    const { replicas, usage } = await trying(`failed to get ${resource} usage`, async () =>
      byPods(specReplicas, pods, await read(), measure, tolerances, timing, now),
    );
    return { replicas, name: `${resource} resource`, current: { averageValue: quantityOf(resource, usage) } };
  }
  if (percent === undefined) {
    const why = 'neither an average utilization target nor an average value (usage) target was set';
    throw new Error(`invalid resource metric source: ${why}`);
  }
  const proposal = await trying(`failed to get ${resource} utilization`, async () => {
    const found = await read();
    const measure = () => utilization(resource, requestsOf(pods, container, resource), percent);
    return byPods(specReplicas, pods, found, lazily(resource, measure), tolerances, timing, now);
  });
  const kind = container === '' ? 'resource utilization' : 'container resource utilization';
  const current = {
    averageUtilization: proposal.utilization!,
    averageValue: quantityOf(resource, proposal.usage),
  };
  return { replicas: proposal.replicas, name: `${resource} ${kind} (percentage of request)`, current };
}

/** What pods ask for is read when there is something to compare it with: its errors come after those of missing metrics. */
function lazily(resource: string, make: () => ReturnType<typeof utilization>): ReturnType<typeof utilization> {
  let made: ReturnType<typeof utilization> | undefined;
  const measure = () => {
    made ??= make();
    return made;
  };
  return { resource, ratioOf: (metrics) => measure().ratioOf(metrics), assumed: (pod) => measure().assumed(pod) };
}

async function byPodsMetric(
  metrics: Metrics,
  { name, selector: metricSelector }: MetricIdentifier,
  amount: number,
  { autoscaler, specReplicas, selector, pods, tolerances, timing, now }: Target,
): Promise<Proposal> {
  const { namespace } = autoscaler.metadata;
  const found = await trying(`unable to get metric ${name}`, () =>
    metrics.pods(name, namespace!, selector, metricSelector),
  );
  return byPods(specReplicas, pods, found, averageValue('', amount), tolerances, timing, now);
}

async function byObject(
  metrics: Metrics,
  { metric, describedObject, target: wanted }: NonNullable<MetricSpec['object']>,
  target: Target,
): Promise<Measured> {
  const { namespace } = target.autoscaler.metadata;
  const { kind, name } = describedObject;
  const read = async () => {
    try {
      return await metrics.object(metric.name, namespace!, describedObject, metric.selector);
    } catch (error) {
      const where = `on ${kind} ${namespace}/${name}`;
      throw new Error(`unable to get metric ${metric.name}: ${where}: ${(error as Error).message}`, { cause: error });
    }
  };
  if (wanted.type === 'Value' && wanted.value !== undefined) {
    const { replicas, usage } = ofTotal(await read(), milliOf(wanted.value), target);
    return { replicas, name: `${kind} metric ${metric.name}`, current: { value: milli(usage) } };
  }
  if (wanted.type === 'AverageValue' && wanted.averageValue !== undefined) {
    const total = await trying(`failed to get ${metric.name} object metric`, read);
    const { replicas, usage } = byShare(target.statusReplicas, total, milliOf(wanted.averageValue), target.tolerances);
    return { replicas, name: externalName(metric), current: { averageValue: milli(usage) } };
  }
  throw new Error('invalid object metric source: neither a value target nor an average value target was set');
}

async function byExternal(
  metrics: Metrics,
  metric: MetricIdentifier,
  wanted: MetricTarget,
  target: Target,
): Promise<Measured> {
  const { namespace } = target.autoscaler.metadata;
  const what = `unable to get external metric ${namespace}/${metric.name}/${goSelector(metric.selector)}`;
  const read = () => trying(what, () => metrics.external(metric.name, namespace!, metric.selector));
  const name = externalName(metric);
  if (wanted.averageValue !== undefined) {
    const total = await trying(`failed to get ${metric.name} external metric`, read);
    const { replicas, usage } = byShare(target.statusReplicas, total, milliOf(wanted.averageValue), target.tolerances);
    return { replicas, name, current: { averageValue: milli(usage) } };
  }
  if (wanted.value !== undefined) {
    const total = await trying(`failed to get external metric ${metric.name}`, read);
    const { replicas, usage } = ofTotal(total, milliOf(wanted.value), target);
    return { replicas, name, current: { value: milli(usage) } };
  }
  throw new Error('invalid external metric source: neither a value target nor an average value target was set');
}

function ofTotal(total: number, amount: number, { specReplicas, pods, tolerances }: Target): Proposal {
  return byTotal(specReplicas, total, amount, pods, tolerances);
}

const externalName = ({ name, selector }: MetricIdentifier) => `external metric ${name}(${goSelector(selector)})`;

function milli(amount: number): string {
  return Quantity.of(amount, 'DecimalSI', -3).toString();
}

function quantityOf(resource: string, amount: number): string {
  return Quantity.of(amount, resource === 'memory' ? 'BinarySI' : 'DecimalSI', -3).toString();
}
