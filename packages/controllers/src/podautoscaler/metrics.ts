/** What metrics APIs tell (pkg/controller/podautoscaler/metrics/client.go). Amounts are thousandths. */
import type { CrossVersionObjectReference } from '@keelson/api/generated/types/autoscaling/v2';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import { Quantity } from '@keelson/api/quantity';
import { selectorOfObject } from '@keelson/api/selectors/labels';
import { millisOf } from '@keelson/api/time';
import { type Client, discover, hasReason, preferred, type ResourceDefinition } from '@keelson/client';
import { readObject } from '@keelson/client/rest/json';
import { ConfigObject } from '@keelson/component/configfile';
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
  containers?: { name: string; usage?: Record<string, string> }[] | null;
}

/** Of an object of the cluster, or of something outside. */
interface MetricValue extends PodMetric {
  readonly object: string;
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
/** What versions of the custom metrics API call the time that a value was measured over. */
const WINDOWS: Readonly<Record<string, string>> = { v1beta2: 'windowSeconds', v1beta1: 'window' };
/** For as long it is not asked again which is served. */
const CHOSEN_MS = 15_000;

/** Thousandths, rounded up. */
export function milliOf(quantity: string): number {
  return Number(Quantity.parse(quantity).milliValue());
}

export class Metrics {
  readonly #client: Client;
  #chosen: { readonly version: string; readonly at: number } | undefined;

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
    for (const { metadata, timestamp, window, containers } of usages.items) {
      const all = containers ?? [];
      const counted = container === '' ? all : all.filter(({ name }) => name === container);
      const amounts = counted.map(({ usage }) => usage?.[resource]);
      if (amounts.length === 0 || amounts.includes(undefined)) continue;
      const value = amounts.reduce((sum, amount) => sum + milliOf(amount!), 0);
      found.set(metadata.name, { value, at: millisOf(timestamp), windowMs: parseDuration(window) });
    }
    return found;
  }

  /** A metric of each pod. @throws Error */
  async pods(metric: string, namespace: string, selector: string, metricSelector?: LabelSelector): Promise<PodMetrics> {
    const query = { labelSelector: selector };
    const values = await this.#custom(`namespaces/${namespace}/pods/*`, metric, query, metricSelector);
    if (values.length === 0) throw new Error('no metrics returned from custom metrics API');
    return new Map(values.map(({ object, ...value }) => [object, value]));
  }

  /** A metric of one object. @throws Error */
  async object(
    metric: string,
    namespace: string,
    { apiVersion = '', kind, name }: CrossVersionObjectReference,
    metricSelector?: LabelSelector,
  ): Promise<number> {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
    const within = `namespaces/${namespace}`;
    const values =
      kind === 'Namespace' && group === ''
        ? await this.#custom(`${within}/metrics`, metric, {}, metricSelector)
        : await this.#custom(
            `${within}/${await this.#resourceOf(group, kind)}/${encodeURIComponent(name)}`,
            metric,
            {},
            metricSelector,
          );
    if (values.length !== 1)
      throw new Error(
        `unable to fetch metrics from custom metrics API: the custom metrics API server returned ${values.length} results when we asked for exactly one`,
      );
    return values[0]!.value;
  }

  /** The sum of a metric's values from outside of the cluster. @throws Error */
  async external(metric: string, namespace: string, metricSelector?: LabelSelector): Promise<number> {
    const labelSelector = selectorText(metricSelector);
    const path = `/apis/${EXTERNAL}/v1beta1/namespaces/${namespace}/${metric}`;
    const values = await this.#get(path, { labelSelector }, EXTERNAL, metric).catch((error: Error) => {
      throw new Error(`unable to fetch metrics from external metrics API: ${error.message}`, { cause: error });
    });
    if (values.length === 0) throw new Error('no metrics returned from external metrics API');
    return values.reduce((sum, { value }) => sum + value, 0);
  }

  /** @param what is measured: `namespaces/x/pods/*` */
  async #custom(
    what: string,
    metric: string,
    query: Record<string, unknown>,
    metricSelector: LabelSelector | undefined,
  ): Promise<MetricValue[]> {
    const metricLabelSelector = selectorText(metricSelector);
    try {
      const version = await this.#version();
      const path = `/apis/${CUSTOM}/${version}/${what}/${metric}`;
      return await this.#get(path, { ...query, metricLabelSelector }, CUSTOM, metric, WINDOWS[version]);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`unable to fetch metrics from custom metrics API: ${message}`, { cause: error });
    }
  }

  /** Of the custom metrics API, that which its server prefers, or the first that is known. @throws Error */
  async #version(): Promise<string> {
    const { clock } = this.#client.world;
    if (this.#chosen && clock.now() - this.#chosen.at < CHOSEN_MS) return this.#chosen.version;
    const path = `/apis/${CUSTOM}`;
    const subject = { verb: 'get', group: '', resource: path, name: '' };
    const group = await this.#client
      .call({ method: 'GET', path, subject }, ({ body }) => readObject(body))
      .catch((error) => {
        if (hasReason(error, 'NotFound'))
          throw new Error(`no custom metrics API (${CUSTOM}) registered`, { cause: error });
        throw error;
      });
    const told = new ConfigObject(group);
    const offered = [told.object('preferredVersion'), ...told.objects('versions')].map((each) =>
      each.string('version'),
    );
    const version = offered.find((each) => Object.hasOwn(WINDOWS, each));
    if (version === undefined) throw new Error('no known available metric versions found');
    this.#chosen = { version, at: clock.now() };
    return version;
  }

  /** `deployments.apps`, as that API names what it measures. */
  async #resourceOf(group: string, kind: string): Promise<string> {
    const served = preferred((await discover(this.#client)).resources);
    const found = served.find((each) => each.group === group && each.kind === kind);
    if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
    return group === '' ? found.resource : `${found.resource}.${group}`;
  }

  async #get(
    path: string,
    query: Record<string, unknown>,
    group: string,
    name: string,
    window = 'window',
  ): Promise<MetricValue[]> {
    const subject = { verb: 'get', group, resource: name, name: '' };
    const list = await this.#client.call({ method: 'GET', path, query, subject }, ({ body }) => readObject(body));
    return new ConfigObject(list).objects('items').map((item) => measuredOf(item, window));
  }
}

/** @param window what the time is called that it was measured over, in seconds */
function measuredOf(item: ConfigObject, window: string): MetricValue {
  const timestamp = item.string('timestamp');
  const isTold = (item.raw(window) ?? null) !== null;
  return {
    object: item.object('describedObject').string('name'),
    // Quantities may be numbers, too.
    value: milliOf(String(item.raw('value') ?? 0)),
    at: timestamp === '' ? 0 : millisOf(timestamp),
    windowMs: isTold ? item.integer(window) * 1000 : DEFAULT_WINDOW_MS,
  };
}

/** In the query form; none for everything. @throws Error for selectors that make no sense */
function selectorText(selector: LabelSelector | undefined): string | undefined {
  return selector && selectorOfObject(selector).toString();
}
