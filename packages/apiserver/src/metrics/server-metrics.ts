/** All metrics of the API server, and the paths where they are read: /metrics and /metrics/slis. */
import { type GroupResource, qualified } from '@keelson/api/errors';
import type { FeatureGates } from '@keelson/component/featuregate/featuregate';
import {
  Counter,
  type CounterSeries,
  exponentialBounds,
  Gauge,
  Histogram,
  type HistogramSeries,
} from '@keelson/component/metrics/families';
import { processStartSeconds, registerProcessMetrics } from '@keelson/component/metrics/process';
import { METRICS_CONTENT_TYPE, MetricsRegistry } from '@keelson/component/metrics/registry';
import type { MetricRules } from '@keelson/component/metrics/rules';
import { HealthMetrics } from '@keelson/component/metrics/slis';
import type { VersionInfo } from '../health/root.ts';
import type { Answer, PathRequest } from '../http/answer.ts';
import { acceptsGzip, gzip } from '../http/compression.ts';
import { registerBuild } from './build.ts';
import type { RequestLabels } from './labels.ts';
import { RequestMetrics } from './requests.ts';

/** What is read when somebody asks, from whoever knows it. */
export interface MetricsSources {
  readonly version: VersionInfo;
  readonly gates: FeatureGates;
  /** Requests that are being served and count against the bounds. */
  readonly inflight: () => { readonly reads: number; readonly writes: number };
  /** How many objects there are of each resource, and how large they are together. */
  readonly objects: () => Iterable<StoredObjects>;
  /** Bytes of the store's data. */
  readonly storeSize: () => Promise<number>;
}

export interface StoredObjects extends GroupResource {
  readonly count: number;
  readonly bytes: number;
  /** Where the watch cache stands. */
  readonly revision: number;
  /** That the watch cache has had of the store, and has told on. */
  readonly events: number;
  /** Of the watch cache. */
  readonly loads: number;
}

/** What a watch counts in. */
export interface WatchSeries {
  readonly events: CounterSeries;
  readonly sizes: HistogramSeries;
  /** Events of the state with which a watch may begin. */
  readonly initial: CounterSeries;
}

export class ServerMetrics {
  readonly registry: MetricsRegistry;
  readonly requests: RequestMetrics;
  readonly health = new HealthMetrics();
  readonly handshakeErrors: CounterSeries;
  readonly #streams: Counter;
  readonly #watchEvents: Counter;
  readonly #watchSizes: Histogram;
  readonly #initEvents: Counter;
  readonly #watchLists: Histogram;
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(now: () => number, rules?: MetricRules) {
    this.#now = now;
    this.registry = new MetricsRegistry(rules);
    this.requests = new RequestMetrics(this.registry, now);
    const { registry } = this;
    const byResource = ['group', 'version', 'resource'];
    this.handshakeErrors = registry
      .register(
        new Counter({
          name: 'apiserver_tls_handshake_errors_total',
          help: 'Connections of which the handshake failed.',
          stability: 'ALPHA',
        }),
      )
      .with();
    this.#streams = registry.register(
      new Counter({
        name: 'apiserver_websocket_streaming_requests_total',
        help: 'Requests for exec, attach and port-forward, by who speaks websockets: the kubelet, or this server for it.',
        stability: 'ALPHA',
        labels: ['subresource', 'proxy_type'],
      }),
    );
    this.#watchEvents = registry.register(
      new Counter({
        name: 'apiserver_watch_events_total',
        help: 'Events sent to watches.',
        stability: 'ALPHA',
        labels: byResource,
      }),
    );
    this.#watchSizes = registry.register(
      new Histogram(
        {
          name: 'apiserver_watch_events_sizes',
          help: 'Bytes of the events sent to watches.',
          stability: 'ALPHA',
          labels: byResource,
        },
        exponentialBounds(1024, 2, 8),
      ),
    );
    this.#initEvents = registry.register(
      new Counter({
        name: 'apiserver_init_events_total',
        help: 'Events of the state with which watches began.',
        stability: 'ALPHA',
        labels: ['group', 'resource'],
      }),
    );
    this.#watchLists = registry.register(
      new Histogram(
        {
          name: 'apiserver_watch_list_duration_seconds',
          help: 'How long it took until watches that begin with the state had sent it.',
          stability: 'BETA',
          labels: [...byResource, 'scope'],
        },
        [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60],
      ),
    );
  }

  /** Adds what is read from elsewhere. To be called once. */
  follow({ version, inflight, objects, storeSize, gates }: MetricsSources): void {
    const { registry } = this;
    registry.registerOwn();
    registerProcessMetrics(registry);
    registerDeclarativeValidation(registry);
    registerBuild(registry, version, gates);
    registry.register(
      new Gauge(
        {
          name: 'apiserver_current_inflight_requests',
          help: 'Requests that are being served, reads and writes apart.',
          stability: 'STABLE',
          labels: ['request_kind'],
        },
        (gauge) => {
          const { reads, writes } = inflight();
          gauge.with('readOnly').value = reads;
          gauge.with('mutating').value = writes;
        },
      ),
    );
    registry.register(
      new Gauge(
        {
          name: 'apiserver_storage_objects',
          help: 'Objects in the store; apiserver_resource_objects has them, too.',
          stability: 'STABLE',
          deprecated: '1.34.0',
          labels: ['resource'],
        },
        (gauge) => {
          gauge.clear();
          for (const stored of objects()) gauge.with(qualified(stored)).value = stored.count;
        },
      ),
    );
    const perResource = (name: string, help: string, read: (stored: StoredObjects) => number) =>
      registry.register(
        new Gauge({ name, help, stability: 'ALPHA', labels: ['group', 'resource'] }, (gauge) => {
          gauge.clear();
          for (const stored of objects()) gauge.with(stored.group, stored.resource).value = read(stored);
        }),
      );
    perResource('apiserver_resource_objects', 'Objects in the store.', ({ count }) => count);
    perResource('apiserver_resource_size_estimate_bytes', 'Bytes of the objects in the store.', ({ bytes }) => bytes);
    const cache = 'apiserver_watch_cache_';
    perResource(`${cache}resource_version`, 'Where watch caches stand.', ({ revision }) => revision % 1e15);
    const tallied = (name: string, help: string, read: (stored: StoredObjects) => number) =>
      registry.register(
        new Counter({ name: cache + name, help, stability: 'ALPHA', labels: ['group', 'resource'] }, (counter) => {
          counter.clear();
          for (const stored of objects()) counter.with(stored.group, stored.resource).value = read(stored);
        }),
      );
    tallied('events_received_total', 'Events that watch caches have had of the store.', ({ events }) => events);
    tallied('events_dispatched_total', 'Events that watch caches have told on.', ({ events }) => events);
    tallied('initializations_total', 'How often watch caches were filled.', ({ loads }) => loads);
    registry.register(
      new Gauge(
        {
          name: 'apiserver_storage_size_bytes',
          help: 'Bytes of the data in the store.',
          stability: 'STABLE',
          labels: ['storage_cluster_id'],
        },
        async (gauge) => {
          gauge.with('etcd-0').value = await storeSize();
        },
      ),
    );
  }

  /** @param byKubelet whether the kubelet takes websockets itself */
  streamed(subresource: string, byKubelet: boolean): void {
    this.#streams.with(subresource, byKubelet ? 'proxied_to_kubelet' : 'translated_at_apiserver').inc();
  }

  watch(group: string, version: string, resource: string): WatchSeries {
    return {
      events: this.#watchEvents.with(group, version, resource),
      sizes: this.#watchSizes.with(group, version, resource),
      initial: this.#initEvents.with(group, resource),
    };
  }

  /** @returns to be called when the watch has sent the state that it begins with */
  startWatchList({ group, version, resource, scope }: RequestLabels): () => void {
    const startedAt = this.#now();
    return () => this.#watchLists.with(group, version, resource, scope).observe((this.#now() - startedAt) / 1000);
  }

  /** Any method will do. Undefined for other paths. */
  async serve({ path, headers }: PathRequest): Promise<Answer | undefined> {
    if (path !== '/metrics' && path !== '/metrics/slis') return undefined;
    const isAll = path === '/metrics';
    const started = String(Math.floor(processStartSeconds()));
    const own = { 'content-type': METRICS_CONTENT_TYPE, 'process-start-time-unix': started };
    const body = await (isAll ? this.registry : this.health.registry).text();
    return acceptsGzip(headers)
      ? { status: 200, headers: { ...own, 'content-encoding': 'gzip' }, body: await gzip(body) }
      : { status: 200, headers: own, body };
  }
}

/** Upstream validates twice, by hand and by declarations, and compares. Here there is one validation, and nothing to differ. */
function registerDeclarativeValidation(registry: MetricsRegistry): void {
  const prefix = 'apiserver_validation_declarative_validation_';
  const counter = (name: string, help: string) =>
    registry.register(new Counter({ name: `${prefix}${name}_total`, help, stability: 'BETA' }));
  counter('mismatch', 'How often two validations of an object differed, of which there is one.');
  counter('panic', 'How often the validation by declarations broke off.');
}
