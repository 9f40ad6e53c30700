/**
 * The API server put together, of the parts in assembly/: listener, filter chain, handlers, registry. What a request meets
 * stands in filters/order.ts; docs/request-path.md draws it.
 */
import { hostname } from 'node:os';
import { accessFilters, authenticatorsOf, authorityOf } from './assembly/access.ts';
import { extensionsOf } from './assembly/extensions.ts';
import { type Foundation, foundationOf } from './assembly/foundation.ts';
import { handlerOf } from './assembly/handler.ts';
import { pathsOf } from './assembly/paths.ts';
import { registryOf } from './assembly/registry.ts';
import { waitingOf } from './assembly/waiting.ts';
import { AuditMetrics } from './audit/metrics.ts';
import { auditEvaluator } from './audit/policy.ts';
import { boot } from './bootstrap/boot.ts';
import { ExtensionAuthentication } from './bootstrap/extension-authentication.ts';
import { FlowControlUpkeep } from './bootstrap/flowcontrol-upkeep.ts';
import { bootstrap } from './bootstrap/index.ts';
import { Presence } from './bootstrap/presence.ts';
import { compose } from './chain.ts';
import { externalAddressOf, type ServerConfig } from './config.ts';
import { BackendPool } from './connect/backend.ts';
import { builtinApiGroups } from './discovery/builtin.ts';
import type { AuditOptions } from './filters/audit.ts';
import { filtersOf } from './filters/order.ts';
import { tracing } from './filters/tracing.ts';
import { HealthChecks } from './health/checks.ts';
import { versionInfo } from './health/root.ts';
import { addStandardChecks, FOLLOWED } from './health/standard.ts';
import type { Exchange } from './http/exchange.ts';
import { type Listener, listen } from './http/listener.ts';
import type { ServerMetrics, StoredObjects } from './metrics/server-metrics.ts';
import { OpenApiService } from './openapi/service.ts';
import { Peering } from './peers/peering.ts';
import { serviceAllocationRepair } from './registry/core/service/allocation/start.ts';
import { follow } from './registry/follow.ts';
import { storeHealth } from './registry/store-error.ts';
import type { Resources } from './resources.ts';
import { serve } from './serve.ts';
import { shutDown } from './shutdown.ts';
import { onTlsMaterial, tlsMaterial } from './tls-material.ts';
import { endpointResolver, serviceResolver } from './webhook/services.ts';

export interface ApiServer {
  readonly port: number;
  /** Resolves when /readyz answers 200: everything that has to exist at the start exists. */
  readonly ready: Promise<void>;
  /** Takes a request that did not come through the listener: who it is from has to be in it. */
  accept(exchange: Exchange): void;
  /** Not ready first, then no new connections, then the running requests end, then the watches. */
  close(): Promise<void>;
}

/** Listens when it resolves. @throws the error of listening (EADDRINUSE), StoreUnavailableError */
export async function startApiServer(config: ServerConfig): Promise<ApiServer> {
  const foundation = await foundationOf(config, () => registry.resources);
  const { metrics, isEnabled, stores, environment, groups, lifecycle, outside } = foundation;
  const { store, now, random, logger } = environment;
  const authority = await authorityOf(config, foundation);
  const { authorization, rules } = authority;
  const registry = registryOf(config, foundation, { authorize: authorization.authorize, rules });
  const { resources, objects, client, services } = registry;
  const authenticators = authenticatorsOf(config, foundation, authority, registry);

  const discovery = builtinApiGroups(groups, () => externalAddressOf(config), isEnabled('StorageVersionHash'));
  const backends = new BackendPool(outside.dialCluster);
  const passing = {
    requestHeader: config.requestHeader,
    register: (end: () => void) => lifecycle.registerConnection(end),
  };
  const forwarding = { ...passing, pool: backends };
  const peering = new Peering({ ...outside, config, isEnabled, store, resources, discovery, forwarding: passing });
  const { health, booted } = healthOf(config, foundation, resources, peering);

  const waiting = waitingOf(config, foundation, registry, health);
  const { flow } = waiting;
  const version = versionInfo(process, undefined, config.emulation?.version);
  metrics.follow({
    version,
    gates: foundation.gates,
    inflight: () => waiting.running,
    objects: () => objectCounts(resources),
    storeSize: () => store.size(),
  });

  let hasBeenReady = false;
  const isReady = () => hasBeenReady;
  const resolve = config.routeToEndpoints ? endpointResolver(objects, random) : serviceResolver(objects);
  const openapi = new OpenApiService({ served: () => groups, now, showsEnums: isEnabled('OpenAPIEnums') });
  const shared = { config, foundation, registry, discovery, openapi, resolve, forwarding };
  const extensions = extensionsOf({ ...shared, isReady });
  const { custom, aggregation } = extensions;
  const { tokenKeys } = authority;
  const paths = pathsOf({ ...shared, version, peers: peering.shown, health, flow, tokenKeys });
  const { handler, admission } = handlerOf({ ...shared, authority, authenticators, aggregation, paths });
  const auditing = auditingOf(config, foundation);
  const chain = compose(
    filtersOf(config, {
      lifecycle,
      random,
      logger,
      auditing,
      tracing: config.tracing && tracing(config.tracing),
      ...accessFilters(config, foundation, authenticators, authorization),
      hasBeenReady: isReady,
      waiting: waiting.filter,
      peers: peering.filter,
    }),
    handler,
  );

  const accept = (exchange: Exchange) => serve(exchange, chain, now, logger);
  const listener = await listenerOf(config, metrics, accept);
  const presence = new Presence({
    ...config,
    client,
    port: listener.port,
    peerAddress: peering.addressOf(listener.port),
    now,
    uuid: environment.uuid(),
    hostname: hostname(),
  });
  const repair = serviceAllocationRepair(services, now, (group, resource, told) =>
    follow(resources.storeOf(group, resource), told),
  );
  const upkeep = new FlowControlUpkeep(client, logger);
  const authentication = new ExtensionAuthentication({ client, config, now, logger });
  const ready = boot({
    health,
    logger,
    // A watch that is new keeps etcd from telling the others how far they have come, for a tenth of a second each time.
    load: async () => {
      if (!store.embedded) await resources.load();
    },
    // All at once: who follows before the first page has come is told of it without parsing it again.
    follow: async () => {
      await Promise.all([authority.follow(resources), admission.start()]);
    },
    repair,
    objects: () => bootstrap({ client, health, now: now(), authentication, isEnabled }),
    upkeep,
    flow,
    custom,
    aggregation,
    peers: peering,
    presence,
  }).then(() => {
    hasBeenReady = true;
    booted();
    void flow?.keepConditions();
    void peering.announce(listener.port);
  });
  const stopCompactors = stores.startCompactors();
  const close = async () => {
    stopCompactors();
    try {
      await shutDown(config, lifecycle, listener, [
        repair,
        presence,
        upkeep,
        authentication,
        custom,
        aggregation,
        peering,
      ]);
    } finally {
      flow?.stop();
      resources.close();
      stores.close();
      await auditing?.sink.close();
      for (const part of [admission, authenticators, authority, extensions, backends, peering]) part.close();
    }
  };
  return { port: listener.port, ready, accept, close };
}

/** @returns the checks, and what to call when the server has started */
function healthOf(
  config: ServerConfig,
  { metrics, environment, stores, lifecycle, outside }: Foundation,
  resources: Resources,
  peering: Peering,
): { readonly health: HealthChecks; readonly booted: () => void } {
  const { store, logger } = environment;
  const health = new HealthChecks({
    now: outside.monotonic,
    livezGraceMs: config.livezGraceMs,
    onResult: (check, endpoint, isHealthy) => metrics.health.record(check, endpoint, isHealthy),
    onFailure: (endpoint, failures) => logger.info({ endpoint, failures }, 'health check failed'),
  });
  const booted = addStandardChecks(health, {
    storeHealth: () => storeHealth(store, config.storeHealthTimeoutMs),
    storeReadiness: () => storeHealth(store, config.storeReadyTimeoutMs),
    unread: () => resources.unread(FOLLOWED),
    isShuttingDown: () => lifecycle.stopping,
    priorityAndFairness: config.priorityAndFairness !== false,
    reloadsEncryption: config.encryption?.automaticReload ?? false,
    hasProxyCertificate: config.proxyClientCertificate !== undefined,
    peers: peering.state,
  });
  stores.addHealthChecks(health);
  return { health, booted };
}

function auditingOf({ audit }: ServerConfig, { environment, outside }: Foundation): AuditOptions | undefined {
  if (!audit) return undefined;
  const { now, logger } = environment;
  const metrics = new AuditMetrics(outside.registry);
  const sink = audit.sink((plugin, error, events) => {
    metrics.lost(plugin, events);
    logger.error({ plugin, events, error: error.message }, 'audit events were not recorded');
  });
  return { evaluate: auditEvaluator(audit.policy), sink, metrics, now };
}

/** @throws the error of listening */
async function listenerOf(
  config: ServerConfig,
  metrics: ServerMetrics,
  onExchange: (exchange: Exchange) => void,
): Promise<Listener> {
  const listener = await listen({
    host: config.bindAddress,
    port: config.securePort,
    material: tlsMaterial(config),
    ...(config.tls === undefined ? {} : { tls: config.tls }),
    ...config.listening,
    onExchange,
    onHandshakeError: () => metrics.handshakeErrors.inc(),
    onFault: (error) =>
      config.logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'connection failed'),
  });
  onTlsMaterial(config, (material) => listener.setMaterial(material));
  return listener;
}

/** What the caches hold, which is all there is. */
function* objectCounts(resources: Resources): Iterable<StoredObjects> {
  for (const { definition, cacher } of resources.stores()) {
    const { group, resource } = definition;
    const { bytes, revision, tally } = cacher;
    yield { group, resource, count: cacher.count(''), bytes, revision, ...tally };
  }
}
