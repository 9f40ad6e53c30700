/**
 * Metrics in the shape that v1 keeps in annotations (k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go). The order
 * of keys is that in which Go writes them.
 */
import type {
  CrossVersionObjectReference,
  MetricIdentifier,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '@keelson/api/generated/types/autoscaling/v2';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import { canonicalQuantity } from '@keelson/api/quantity';

type Json = Record<string, unknown>;

export function toV1Metric({ type, object, pods, resource, containerResource, external }: MetricSpec): Json {
  return present({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? '0',
      selector: pods.metric.selector,
    },
    resource: resource && { name: resource.name, ...toV1Utilization(resource.target) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...toV1Utilization(containerResource.target),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  });
}

function toV1Utilization({ averageUtilization, averageValue }: MetricTarget): Json {
  return { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue };
}

export function toV1Status({ type, object, pods, resource, containerResource, external }: MetricStatus): Json {
  return present({
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? '0',
      selector: pods.metric.selector,
    },
    resource: resource && { name: resource.name, ...toV1Current(resource.current) },
    containerResource: containerResource && {
      name: containerResource.name,
      ...toV1Current(containerResource.current),
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? '0',
      currentAverageValue: external.current.averageValue,
    },
  });
}

function toV1Current({ averageUtilization, averageValue }: MetricValueStatus): Json {
  return { currentAverageUtilization: averageUtilization, currentAverageValue: averageValue ?? '0' };
}

/** @throws Error for what does not have the shape of a v1 metric */
export function fromV1Metric(json: unknown): MetricSpec {
  const metric = new Reader(json);
  const spec: MetricSpec = { type: metric.text('type') };
  const object = metric.struct('object');
  if (object) {
    const averageValue = object.quantity('averageValue');
    const value = object.quantity('targetValue') ?? '0';
    // v1 cannot leave the value out: a zero beside an average was none.
    const target = averageValue === undefined ? { type: 'Value', value } : { type: 'AverageValue', averageValue };
    if (averageValue !== undefined && value !== '0') Object.assign(target, { value });
    spec.object = { describedObject: reference(object), target, metric: identifier(object, 'selector') };
  }
  const pods = metric.struct('pods');
  if (pods) {
    const averageValue = pods.quantity('targetAverageValue') ?? '0';
    spec.pods = { metric: identifier(pods, 'selector'), target: { type: 'AverageValue', averageValue } };
  }
  const resource = metric.struct('resource');
  if (resource) spec.resource = { name: resource.text('name'), target: utilization(resource) };
  const container = metric.struct('containerResource');
  if (container)
    spec.containerResource = {
      name: container.text('name'),
      target: utilization(container),
      container: container.text('container'),
    };
  const external = metric.struct('external');
  if (external) {
    const value = external.quantity('targetValue');
    const averageValue = external.quantity('targetAverageValue');
    spec.external = {
      metric: identifier(external, 'metricSelector'),
      target: present({ type: value === undefined ? 'AverageValue' : 'Value', value, averageValue }),
    };
  }
  return spec;
}

/** @throws Error for what does not have the shape of a v1 status */
export function fromV1Status(json: unknown): MetricStatus {
  const metric = new Reader(json);
  const status: MetricStatus = { type: metric.text('type') };
  const object = metric.struct('object');
  if (object)
    status.object = {
      metric: identifier(object, 'selector'),
      current: present({
        value: object.quantity('currentValue') ?? '0',
        averageValue: object.quantity('averageValue'),
      }),
      describedObject: reference(object),
    };
  const pods = metric.struct('pods');
  if (pods)
    status.pods = {
      metric: identifier(pods, 'selector'),
      current: { averageValue: pods.quantity('currentAverageValue') ?? '0' },
    };
  const resource = metric.struct('resource');
  if (resource) status.resource = { name: resource.text('name'), current: current(resource) };
  const container = metric.struct('containerResource');
  if (container)
    status.containerResource = {
      name: container.text('name'),
      current: current(container),
      container: container.text('container'),
    };
  const external = metric.struct('external');
  if (external)
    status.external = {
      metric: identifier(external, 'metricSelector'),
      current: present({
        value: external.quantity('currentValue') ?? '0',
        averageValue: external.quantity('currentAverageValue'),
      }),
    };
  return status;
}

function reference(object: Reader): CrossVersionObjectReference {
  const target = object.struct('target');
  const apiVersion = target?.text('apiVersion') || undefined;
  return present({ kind: target?.text('kind') ?? '', name: target?.text('name') ?? '', apiVersion });
}

function identifier(metric: Reader, selectorKey: string): MetricIdentifier {
  return present({ name: metric.text('metricName'), selector: metric.struct(selectorKey)?.json as LabelSelector });
}

function utilization(metric: Reader): MetricTarget {
  const averageUtilization = metric.number('targetAverageUtilization');
  const averageValue = metric.quantity('targetAverageValue');
  const type = averageUtilization === undefined ? 'AverageValue' : 'Utilization';
  return present({ type, averageValue, averageUtilization });
}

function current(metric: Reader): MetricValueStatus {
  return present({
    averageValue: metric.quantity('currentAverageValue') ?? '0',
    averageUtilization: metric.number('currentAverageUtilization'),
  });
}

/** Without the keys that have no value, at every depth that this file makes. */
export function present<T extends object>(value: T): T {
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(entries.map(([k, v]) => [k, isPlain(v) ? present(v) : v])) as T;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads JSON as Go would into a struct: names in any case, null like absent, other types are errors. */
export class Reader {
  readonly json: Json;

  constructor(json: unknown) {
    if (!isPlain(json)) throw new Error('not an object');
    this.json = json as Json;
  }

  value(name: string): unknown {
    const key = name in this.json ? name : Object.keys(this.json).find((k) => k.toLowerCase() === name.toLowerCase());
    return key === undefined ? undefined : (this.json[key] ?? undefined);
  }
  text(name: string): string {
    const value = this.value(name) ?? '';
    if (typeof value !== 'string') throw new Error(`${name} is not a string`);
    return value;
  }
  number(name: string): number | undefined {
    const value = this.value(name);
    if (value !== undefined && !Number.isInteger(value)) throw new Error(`${name} is not a whole number`);
    return value as number | undefined;
  }
  /** @throws QuantityError */
  quantity(name: string): string | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : canonicalQuantity(String(value));
  }
  struct(name: string): Reader | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new Reader(value);
  }
  list(name: string): unknown[] | undefined {
    const value = this.value(name);
    if (value !== undefined && !Array.isArray(value)) throw new Error(`${name} is not a list`);
    return value as unknown[] | undefined;
  }
}
