/** What all parts of a server stand on: its stores, its time, its gates, its metrics, and the ways out of it. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, systemClock } from '@keelson/api/clock';
import { FeatureGates } from '@keelson/component/featuregate/featuregate';
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { apiServerId } from '../bootstrap/identity-lease.ts';
import type { ServerConfig } from '../config.ts';
import type { Dial } from '../connect/dial.ts';
import { enabledGroups, type ServedGroup } from '../discovery/runtime-config.ts';
import type { EgressSelector } from '../egress/index.ts';
import { startEncryption } from '../encryption/start.ts';
import type { IsEnabled } from '../gates.ts';
import { Lifecycle } from '../lifecycle.ts';
import { ServerMetrics } from '../metrics/server-metrics.ts';
import { resourceByKey, storeObserver } from '../metrics/store.ts';
import type { Environment } from '../registry/store.ts';
import type { Resources } from '../resources.ts';
import { Stores } from '../stores.ts';

export interface Foundation {
  readonly metrics: ServerMetrics;
  readonly gates: FeatureGates;
  readonly isEnabled: IsEnabled;
  readonly stores: Stores;
  readonly environment: Environment;
  /** The built-in groups and versions that are served. */
  readonly groups: readonly ServedGroup[];
  readonly lifecycle: Lifecycle;
  readonly outside: Outside;
}

/** What is asked of others, and by which ways. */
export interface Outside {
  /** To what runs beside the control plane, webhooks and issuers among them; undefined: straight. */
  readonly dial: Dial | undefined;
  /** To what runs in the cluster; undefined: straight. */
  readonly dialCluster: Dial | undefined;
  readonly egress: EgressSelector | undefined;
  readonly clock: Clock;
  readonly now: () => Date;
  /** Milliseconds that no clock sets back. */
  readonly monotonic: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** By which this server is told from others (`apiserver-…`). */
  readonly identity: string;
  readonly registry: MetricsRegistry;
  readonly logger: Logger;
}

/**
 * @param resources asked when the server runs, for the names of what is stored
 * @throws Error for a configuration of encryption that does not hold, StoreUnavailableError
 */
export async function foundationOf(config: ServerConfig, resources: () => Resources): Promise<Foundation> {
  const { logger, egress, clock: now = () => new Date(), random = Math.random, uuid = randomUUID } = config;
  const monotonic = () => performance.now();
  const metrics = new ServerMetrics(monotonic, config.metricRules);
  const { registry } = metrics;
  const gates = config.featureGates ?? new FeatureGates(undefined, config.emulation?.version);
  const { isEnabled } = gates;
  const { encryption } = config;
  const stores = new Stores({
    config,
    observe: storeObserver(registry, resourceByKey(definitionsOf(resources)), monotonic),
    encryption: encryption && (await startEncryption(encryption, { uuid, now, logger }, isEnabled, registry)),
  });
  egress?.registerMetrics(registry);
  return {
    metrics,
    gates,
    isEnabled,
    stores,
    environment: { store: stores.main, now, uuid, random, logger, isCached: config.isCached },
    groups: enabledGroups(config.runtimeConfig, isEnabled, config.emulation),
    lifecycle: new Lifecycle({ endsWatches: (config.shutdownWatchGraceMs ?? 0) > 0 }),
    outside: {
      dial: egress?.dialer('controlplane'),
      dialCluster: egress?.dialer('cluster'),
      egress,
      clock: systemClock,
      now,
      monotonic,
      random,
      identity: apiServerId(hostname()),
      registry,
      logger,
    },
  };
}

const definitionsOf = (resources: () => Resources) => ({
  get size() {
    return resources().size;
  },
  *values() {
    for (const { definition } of resources().all()) yield definition;
  },
});
