/** A store whose requests are counted, under the names that they have with etcd. */
import { Counter, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { ListOptions, Store } from '@keelson/storage/store';

const LABELS = ['operation', 'group', 'resource'] as const;
const BOUNDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

type Operation = 'get' | 'list' | 'create' | 'update' | 'delete';

export interface StoredResource {
  readonly group: string;
  readonly resource: string;
}

/**
 * @param resourceOf what the objects with this key, or with this beginning of keys, are
 * @param now milliseconds of a clock that never goes backwards
 * @returns what makes a store one whose requests are counted
 */
export function storeObserver(
  registry: MetricsRegistry,
  resourceOf: (key: string) => StoredResource,
  now: () => number,
): (store: Store) => Store {
  const durations = registry.register(
    new Histogram(
      {
        name: 'etcd_request_duration_seconds',
        help: 'How long the store took to answer.',
        stability: 'ALPHA',
        labels: LABELS,
      },
      BOUNDS,
    ),
  );
  const total = registry.register(
    new Counter({ name: 'etcd_requests_total', help: 'Requests to the store.', stability: 'ALPHA', labels: LABELS }),
  );
  const errors = registry.register(
    new Counter({
      name: 'etcd_request_errors_total',
      help: 'Requests to the store that failed.',
      stability: 'ALPHA',
      labels: LABELS,
    }),
  );

  async function observe<T>(operation: Operation, key: string, request: () => Promise<T>): Promise<T> {
    const { group, resource } = resourceOf(key);
    const startedAt = now();
    try {
      return await request();
    } catch (error) {
      errors.with(operation, group, resource).inc();
      throw error;
    } finally {
      total.with(operation, group, resource).inc();
      durations.with(operation, group, resource).observe((now() - startedAt) / 1000);
    }
  }

  const received = registry.register(
    new Counter({
      name: 'apiserver_storage_events_received_total',
      help: 'Events that the store has told of.',
      stability: 'BETA',
      labels: ['group', 'resource'],
    }),
  );

  const lists = (name: string, help: string) =>
    registry.register(
      new Counter({ name: `apiserver_storage_list_${name}`, help, stability: 'ALPHA', labels: ['group', 'resource'] }),
    );
  const listed = lists('total', 'Lists that were read from the store, page by page.');
  const fetched = lists('fetched_objects_total', 'Objects of lists that were read from the store.');

  async function list(store: Store, options: ListOptions): ReturnType<Store['list']> {
    const page = await observe('list', options.prefix, () => store.list(options));
    const { group, resource } = resourceOf(options.prefix);
    listed.with(group, resource).inc();
    fetched.with(group, resource).inc(page.kvs.length);
    return page;
  }

  return (store) => ({
    embedded: store.embedded,
    get: (key, options) => observe('get', key, () => store.get(key, options)),
    list: (options) => list(store, options),
    put: (key, value, options) =>
      observe(options.expect === 0 ? 'create' : 'update', key, () => store.put(key, value, options)),
    delete: (key, options) => observe('delete', key, () => store.delete(key, options)),
    watch: (options) => {
      const { group, resource } = resourceOf(options.prefix);
      const events = received.with(group, resource);
      return store.watch({
        ...options,
        onBatch: (batch) => {
          events.inc(batch.events.length);
          options.onBatch(batch);
        },
      });
    },
    currentRevision: () => store.currentRevision(),
    requestProgress: (revision) => store.requestProgress(revision),
    compact: (revision) => store.compact(revision),
    compactedRevision: () => store.compactedRevision(),
    size: () => store.size(),
    health: (timeoutMs) => store.health(timeoutMs),
    close: () => store.close(),
  });
}

/**
 * Finds resources by their keys.
 * @param all what is served now; asked again whenever its size has changed
 */
export function resourceByKey(all: {
  readonly size: number;
  values(): Iterable<StoredResource & { readonly prefix: string }>;
}): (key: string) => StoredResource {
  const byPrefix = new Map<string, StoredResource>();
  let size = -1;
  return (key) => {
    if (all.size !== size) {
      size = all.size;
      for (const { prefix, group, resource } of all.values()) byPrefix.set(prefix, { group, resource });
    }
    // `/registry/services/specs/…`, `/registry/pods/…`
    const first = key.indexOf('/', '/registry/'.length);
    const second = first < 0 ? -1 : key.indexOf('/', first + 1);
    const cut = (end: number) => (end < 0 ? key : key.slice(0, end));
    return byPrefix.get(cut(second)) ?? byPrefix.get(cut(first)) ?? { group: '', resource: 'other' };
  };
}
