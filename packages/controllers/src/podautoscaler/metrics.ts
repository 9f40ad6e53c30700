/** What metrics APIs tell (pkg/controller/podautoscaler/metrics/client.go). Amounts are thousandths. */
import type { CrossVersionObjectReference } from '@keelson/api/generated/types/autoscaling/v2';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import { Quantity } from '@keelson/api/quantity';
import { selectorOfObject } from '@keelson/api/selectors/labels';
import { millisOf } from '@keelson/api/time';
import { type Client, discover, preferred, type ResourceDefinition } from '@keelson/client';
import { readObject } from '@keelson/client/rest/json';
import { parseDuration } from '@keelson/component/go/duration';

/** Of one pod. */
export interface PodMetric {
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly windowMs: number;
}

export type PodMetrics = ReadonlyMap<string, PodMetric>;

interface PodUsage {
  metadata: { name: string };
  timestamp: string;
  window: string;
  containers?: { name: string; usage?: Record<string, string> }[];
}

interface MetricValue {
  describedObject: { name: string };
  timestamp: string;
  windowSeconds?: number;
  value: string;
}

const DEFAULT_WINDOW_MS = 60_000;
const RESOURCE_METRICS: ResourceDefinition = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  resource: 'pods',
  namespaced: true,
};
const CUSTOM = 'custom.metrics.k8s.io';
const EXTERNAL = 'external.metrics.k8s.io';

/** Thousandths, rounded up. */
export function milliOf(quantity: string): number {
  return Number(Quantity.parse(quantity).milliValue());
}

export class Metrics {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * @param container of all containers together where it is empty
   * @throws Error where none are served, or none are there
   */
  async resource(resource: string, namespace: string, selector: string, container: string): Promise<PodMetrics> {
    const usages = await this.#client
      .resource<PodUsage>(RESOURCE_METRICS)
      .list({ namespace, labelSelector: selector })
      .catch((error: Error) => {
        throw new Error(`unable to fetch metrics from resource metrics API: ${error.message}`, { cause: error });
      });
    if (usages.items.length === 0) throw new Error('no metrics returned from resource metrics API');
    const found = new Map<string, PodMetric>();
    for (const { metadata, timestamp, window, containers = [] } of usages.items) {
      const counted = container === '' ? containers : containers.filter(({ name }) => name === container);
      const amounts = counted.map(({ usage }) => usage?.[resource]);
      if (amounts.length === 0 || amounts.includes(undefined)) continue;
      const value = amounts.reduce((sum, amount) => sum + milliOf(amount!), 0);
      found.set(metadata.name, { value, at: millisOf(timestamp), windowMs: parseDuration(window) });
    }
    return found;
  }

  /** A metric of each pod. @throws Error */
  async pods(metric: string, namespace: string, selector: string, metricSelector?: LabelSelector): Promise<PodMetrics> {
    const values = await this.#custom(namespace, 'pods', '*', metric, { labelSelector: selector }, metricSelector);
    if (values.length === 0) throw new Error('no metrics returned from custom metrics API');
    return new Map(
      values.map(({ describedObject, timestamp, windowSeconds, value }) => {
        const windowMs = windowSeconds === undefined ? DEFAULT_WINDOW_MS : windowSeconds * 1000;
        return [describedObject.name, { value: milliOf(value), at: millisOf(timestamp), windowMs }];
      }),
    );
  }

  /** A metric of one object. @throws Error */
  async object(
    metric: string,
    namespace: string,
    { apiVersion = '', kind, name }: CrossVersionObjectReference,
    metricSelector?: LabelSelector,
  ): Promise<number> {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
    const [value] =
      kind === 'Namespace' && group === ''
        ? await this.#custom(undefined, 'namespaces', namespace, metric, {}, metricSelector)
        : await this.#custom(namespace, await this.#resourceOf(group, kind), name, metric, {}, metricSelector);
    if (!value) throw new Error('unable to fetch metrics from custom metrics API: no metrics returned');
    return milliOf(value.value);
  }

  /** The sum of a metric's values from outside of the cluster. @throws Error */
  async external(metric: string, namespace: string, metricSelector?: LabelSelector): Promise<number> {
    const labelSelector = selectorText(metricSelector);
    const path = `/apis/${EXTERNAL}/v1beta1/namespaces/${namespace}/${metric}`;
    const { items = [] } = await this.#get(path, { labelSelector }, EXTERNAL, metric).catch((error: Error) => {
      throw new Error(`unable to fetch metrics from external metrics API: ${error.message}`, { cause: error });
    });
    if (items.length === 0) throw new Error('no metrics returned from external metrics API');
    return items.reduce((sum, { value }) => sum + milliOf(value), 0);
  }

  async #custom(
    namespace: string | undefined,
    resource: string,
    name: string,
    metric: string,
    query: Record<string, unknown>,
    metricSelector: LabelSelector | undefined,
  ): Promise<MetricValue[]> {
    const scope = namespace === undefined ? '' : `namespaces/${namespace}/`;
    const path = `/apis/${CUSTOM}/v1beta2/${scope}${resource}/${encodeURIComponent(name)}/${metric}`;
    const metricLabelSelector = selectorText(metricSelector);
    const { items = [] } = await this.#get(path, { ...query, metricLabelSelector }, CUSTOM, metric).catch(
      (error: Error) => {
        throw new Error(`unable to fetch metrics from custom metrics API: ${error.message}`, { cause: error });
      },
    );
    return items;
  }

  /** `deployments.apps`, as that API names what it measures. */
  async #resourceOf(group: string, kind: string): Promise<string> {
    const served = preferred((await discover(this.#client)).resources);
    const found = served.find((each) => each.group === group && each.kind === kind);
    if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
    return group === '' ? found.resource : `${found.resource}.${group}`;
  }

  #get(path: string, query: Record<string, unknown>, group: string, name: string): Promise<{ items?: MetricValue[] }> {
    const subject = { verb: 'get', group, resource: name, name: '' };
    return this.#client.call({ method: 'GET', path, query, subject }, async ({ body }) => {
      return (await readObject(body)) as { items?: MetricValue[] };
    });
  }
}

/** In the query form; none for everything. @throws Error for selectors that make no sense */
function selectorText(selector: LabelSelector | undefined): string | undefined {
  return selector && selectorOfObject(selector).toString();
}
