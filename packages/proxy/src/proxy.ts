/** The proxy of one node: what the cluster says, kept in the kernel's tables. */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { ApiEventRecorder, type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import type { PlainAnswer } from '@keelson/component/serving/plain';
import type { Family } from './addresses.ts';
import { type Conntrack, staleFlows } from './conntrack.ts';
import { endpointsKey, endpointsOf, readyHere, SERVICE_NAME } from './endpoints.ts';
import { ProxyHealth } from './health/proxy-health.ts';
import { ServiceHealth } from './health/service-health.ts';
import { proxyMetrics } from './metrics.ts';
import type { Nft } from './nft.ts';
import { Proxier } from './proxier.ts';
import type { Rules } from './rules/rules.ts';
import { type Surroundings, serviceRules, withoutLocal } from './rules/service.ts';
import { healthCheckPortOf, servicePortsOf } from './services.ts';
import { type ProxySettings, surroundingsOf } from './settings.ts';

export interface ProxyOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly settings: ProxySettings;
  /** Those that the kernel can serve. */
  readonly families: readonly Family[];
  readonly nft: Nft;
  /** Undefined: flows are left alone. */
  readonly conntrack: Conntrack | undefined;
  readonly metrics: MetricsRegistry;
  /** Whether the rules go when the proxy does. Without, what runs on keeps its services. */
  readonly clean: boolean;
}

export interface RunningProxy extends Running {
  /** What `/healthz` answers. */
  health(): PlainAnswer;
  /** What `/livez` answers. */
  live(): PlainAnswer;
}

type Lacking = ReturnType<typeof withoutLocal>;

/** Services for other proxies, and such without an address, are none of this one's affair. */
const SERVICES = { labelSelector: '!service.kubernetes.io/service-proxy-name' };
const SLICES = { labelSelector: '!service.kubernetes.io/headless' };
const BY_SERVICE = 'service';

/** Writes the rules as soon as the cluster has said all of its services. */
export function startKubeProxy(options: ProxyOptions): RunningProxy {
  const { client, nodeName, settings, families, conntrack } = options;
  const { world } = client;
  const metrics = proxyMetrics(options.metrics);
  const health = new ProxyHealth(2 * settings.syncMs, () => world.clock.now(), metrics);
  const recorder = new ApiEventRecorder({
    client,
    source: { component: 'kube-proxy', host: nodeName },
    api: 'events.k8s.io/v1',
  });

  const informers = new InformerFactory(client, { transform: withoutManagedFields });
  const services = informers.informer('services', SERVICES);
  const slices = informers.informer('endpointslices.discovery.k8s.io', SLICES);
  const nodes = informers.informer('nodes', { fieldSelector: `metadata.name=${nodeName}` });
  const ranges = informers.informer('servicecidrs.networking.k8s.io');
  slices.addIndex(BY_SERVICE, serviceOf);
  const node = () => nodes.store.get(nodeName);

  const rangesOfServices = () => ranges.store.list().flatMap(({ spec }) => spec?.cidrs ?? []);
  const known = (service: string, family: Family) => {
    const object = services.store.get(service);
    const ports = object ? servicePortsOf(object, family) : [];
    const endpoints =
      ports.length > 0 ? endpointsOf(slices.store.byIndex(BY_SERVICE, service), family, nodeName) : new Map();
    return { object, ports, endpoints };
  };
  const keys = () => services.store.list().map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);

  const serviceHealth = new ServiceHealth({
    hosts: settings.nodePortAddresses === 'primary' && settings.nodeIp ? [settings.nodeIp] : ['0.0.0.0'],
    isHealthy: () => health.isHealthy,
    failed: (service, port, error) => {
      world.log.error({ service, port, error }, 'The health of a service cannot be told');
      const object = services.store.get(service);
      const reason = 'FailedToStartServiceHealthcheck';
      const message = `node ${nodeName} failed to start healthcheck ${JSON.stringify(service)} on port ${port}: ${error.message}`;
      if (object) recorder.event(object, 'Warning', reason, message, { action: 'Listen' });
    },
  });
  /** One family tells of a service's endpoints on this node: the one that the service has first. */
  const tellHealth = (service: string) => {
    const object = services.store.get(service);
    const port = object ? healthCheckPortOf(object) : 0;
    const first = object?.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
    serviceHealth.set(service, port, port === 0 ? 0 : readyHere(known(service, first).endpoints));
  };

  const lacking = new Map<Family, Map<string, Lacking>>();
  const written = async (family: Family, changed: ReadonlySet<string> | undefined, place: Surroundings) => {
    const counts = changed === undefined ? new Map<string, Lacking>() : (lacking.get(family) ?? new Map());
    lacking.set(family, counts);
    for (const service of changed ?? keys()) {
      const { ports, endpoints } = known(service, family);
      const count = withoutLocal(ports, endpoints, place);
      if (count.internal + count.external > 0) counts.set(service, count);
      else counts.delete(service);
    }
    for (const which of ['internal', 'external'] as const) {
      metrics.noLocal.with(which, family).value = [...counts.values()].reduce((sum, count) => sum + count[which], 0);
    }
    if (conntrack) await forgetFlows(conntrack, family, changed ?? new Set(keys()));
  };
  const forgetFlows = async (flows: Conntrack, family: Family, changed: ReadonlySet<string>) => {
    const udp = [...changed].flatMap((service) => {
      const { ports, endpoints } = known(service, family);
      return ports
        .filter(({ protocol }) => protocol === 'udp')
        .map((port) => [port, endpoints.get(endpointsKey(port.name, port.protocol)) ?? []] as const);
    });
    if (udp.length === 0) return;
    const begin = performance.now();
    for (const flow of staleFlows(await flows.flows(family), udp)) {
      await flows.forget(family, flow);
      metrics.forgotten.with(family).inc();
    }
    metrics.conntrack.with(family).observe((performance.now() - begin) / 1_000);
  };

  const proxiers = families.map((family) => {
    const surroundings = () => surroundingsOf(settings, family, nodeName, node(), rangesOfServices());
    const rulesOf = (service: string, place: Surroundings): Rules | undefined => {
      const { ports, endpoints } = known(service, family);
      return ports.length === 0 ? undefined : serviceRules(ports, endpoints, place);
    };
    return new Proxier({
      family,
      nft: options.nft,
      world,
      metrics,
      health,
      minSyncMs: settings.minSyncMs,
      syncMs: settings.syncMs,
      surroundings,
      services: keys,
      rulesOf,
      written: (changed) => written(family, changed, surroundings()),
    });
  });

  const changed = (service: string) => {
    tellHealth(service);
    for (const proxier of proxiers) proxier.changed(service);
  };
  const serviceChanged = ({ metadata }: Service) => {
    metrics.serviceChanges.with().inc();
    changed(`${metadata.namespace}/${metadata.name}`);
  };
  const sliceChanged = (slice: EndpointSlice) => {
    metrics.endpointChanges.with().inc();
    for (const service of serviceOf(slice)) changed(service);
  };
  const placeChanged = () => {
    for (const proxier of proxiers) proxier.changed();
  };
  const begin = async () => {
    for (const service of keys()) tellHealth(service);
    services.addHandler(onChange(serviceChanged));
    slices.addHandler(onChange(sliceChanged));
    nodes.addHandler(onChange(placeChanged));
    ranges.addHandler(onChange(placeChanged));
    await Promise.all(proxiers.map((proxier) => proxier.start()));
  };
  for (const family of families) health.updated(family);
  informers.start();
  const begun = informers.synced().then(begin, () => {});
  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    health: () => health.health(node()),
    live: () => health.live(),
    stop: async () => {
      await informers.stop();
      await begun;
      await Promise.all([serviceHealth.stop(), ...proxiers.map((proxier) => proxier.stop(options.clean))]);
      recorder.stop();
      resolve();
    },
  };
}

const serviceOf = ({ metadata }: EndpointSlice): readonly string[] => {
  const name = metadata.labels?.[SERVICE_NAME];
  return name ? [`${metadata.namespace}/${name}`] : [];
};

/** @param tell of the object before and after an update, for a slice may have changed its service */
function onChange<T>(tell: (object: T) => void) {
  return {
    added: (object: T, initial: boolean) => {
      if (!initial) tell(object);
    },
    updated: (old: T, object: T) => {
      tell(object);
      if (old !== object) tell(old);
    },
    deleted: (object: T) => tell(object),
  };
}
