/**
 * The API server put together: listener, filter chain, handlers, registry. What a request meets stands in
 * filters/order.ts; docs/request-path.md draws it.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { processStartSeconds } from '@keelson/component/metrics/process';
import { systemClock } from '@keelson/storage/clock';
import { compileForValidation } from './admission/cel/compiler.ts';
import { dynamicAdmission } from './admission/dynamic.ts';
import { AdmissionMetrics } from './admission/metrics.ts';
import { admissionChain } from './admission/plugins.ts';
import { guardParams } from './admission/policy/guard.ts';
import { admissionWorld } from './admission/world.ts';
import { Aggregation } from './aggregation/index.ts';
import { AuditMetrics } from './audit/metrics.ts';
import { auditEvaluator } from './audit/policy.ts';
import { apiAudiencesOf, openIdDiscoveryOf, tokenIssuer } from './authn/build.ts';
import { Impersonation } from './authn/impersonation/index.ts';
import { serveOpenId } from './authn/serviceaccount/discovery.ts';
import { startTokenKeys } from './authn/serviceaccount/start.ts';
import { startAuthentication } from './authn/start.ts';
import { buildAuthorization } from './authz/build.ts';
import { followNodes } from './authz/node/follow.ts';
import { NodeGraph } from './authz/node/graph.ts';
import { nodeAuthorizer } from './authz/node/index.ts';
import { followRbac } from './authz/rbac/follow.ts';
import { guardRbac } from './authz/rbac/guard.ts';
import { RBAC_GROUP, RbacIndex } from './authz/rbac/index.ts';
import { boot } from './bootstrap/boot.ts';
import { RegistryClient } from './bootstrap/client.ts';
import { FlowControlUpkeep } from './bootstrap/flowcontrol-upkeep.ts';
import { apiServerId } from './bootstrap/identity-lease.ts';
import { bootstrap } from './bootstrap/index.ts';
import type { AuthenticationInfo } from './bootstrap/objects.ts';
import { Presence } from './bootstrap/presence.ts';
import { nodeRules } from './bootstrap/rbac.ts';
import { compose } from './chain.ts';
import { externalAddressOf, type ServerConfig } from './config.ts';
import { BackendPool } from './connect/backend.ts';
import { Kubelets } from './connect/kubelets.ts';
import type { RequestContext } from './context.ts';
import { CustomResources } from './crd/index.ts';
import { schemaJudge } from './crd/schema/index.ts';
import { builtinApiGroups } from './discovery/builtin.ts';
import { serveDiscovery } from './discovery/handler.ts';
import { enabledGroups } from './discovery/runtime-config.ts';
import { startEncryption } from './encryption/start.ts';
import { authentication } from './filters/authentication.ts';
import { authorization as checkAuthorization } from './filters/authorization.ts';
import { impersonation } from './filters/impersonation.ts';
import { inflight } from './filters/inflight.ts';
import { filtersOf } from './filters/order.ts';
import { tracing } from './filters/tracing.ts';
import { flowControl } from './flowcontrol/index.ts';
import type { IsEnabled } from './gates.ts';
import { endpoint } from './handlers/endpoint.ts';
import { Rounds } from './handlers/rounds.ts';
import { virtualKinds } from './handlers/virtual-kinds.ts';
import { HealthChecks } from './health/checks.ts';
import { serveRootPaths, serveVersion, versionInfo } from './health/root.ts';
import { addStandardChecks } from './health/standard.ts';
import { headerOf, type PathRequest } from './http/answer.ts';
import type { Exchange } from './http/exchange.ts';
import { listen } from './http/listener.ts';
import { Lifecycle } from './lifecycle.ts';
import { dryRunOf, labelsOfPath, labelsOfResource, type RequestLabels } from './metrics/labels.ts';
import { ServerMetrics, type StoredObjects } from './metrics/server-metrics.ts';
import { resourceByKey, storeObserver } from './metrics/store.ts';
import { storedObjects } from './objects.ts';
import { OpenApiService } from './openapi/service.ts';
import { Peering } from './peers/peering.ts';
import { componentStatuses } from './registry/core/componentstatus/probe.ts';
import type { AllocationDeps } from './registry/core/service/allocation/deps.ts';
import { serviceAllocationRepair } from './registry/core/service/allocation/start.ts';
import { builtinRegistrations } from './registry/index.ts';
import type { Environment } from './registry/store.ts';
import { storeHealth } from './registry/store-error.ts';
import { Resources } from './resources.ts';
import { serve } from './serve.ts';
import { shutDown } from './shutdown.ts';
import { Stores } from './stores.ts';
import { onTlsMaterial, tlsMaterial } from './tls-material.ts';
import { WebhookClient } from './webhook/client.ts';
import { endpointResolver, serviceResolver } from './webhook/services.ts';
import { flagz } from './zpages/flagz.ts';
import { type Page, servePage } from './zpages/page.ts';
import { statusz } from './zpages/statusz.ts';

export interface ApiServer {
  readonly port: number;
  /** Resolves when /readyz answers 200: everything that has to exist at the start exists. */
  readonly ready: Promise<void>;
  /** Takes a request that did not come through the listener: who it is from has to be in it. */
  accept(exchange: Exchange): void;
  /** Not ready first, then no new connections, then the running requests end, then the watches. */
  close(): Promise<void>;
}

/** What GET / lists besides groups and health checks. */
/** How the server calls itself on its pages. */
const NAME = 'apiserver';
const OTHER_PATHS = [
  '/.well-known/openid-configuration',
  '/metrics',
  '/metrics/slis',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/version',
];

/** Listens when it resolves. @throws the error of listening (EADDRINUSE), StoreUnavailableError */
export async function startApiServer(config: ServerConfig): Promise<ApiServer> {
  const { logger } = config;
  const metrics = new ServerMetrics(() => performance.now());
  const now = config.clock ?? (() => new Date());
  const random = config.random ?? Math.random;
  const resourceOf = resourceByKey({
    get size() {
      return resources.size;
    },
    *values() {
      for (const { definition } of resources.all()) yield definition;
    },
  });
  const uuid = config.uuid ?? randomUUID;
  const gates = config.featureGates ?? new FeatureGates();
  const isEnabled: IsEnabled = (gate) => gates.enabled(gate);
  const stores = new Stores({
    config,
    observe: storeObserver(metrics.registry, resourceOf, () => performance.now()),
    encryption:
      config.encryption &&
      (await startEncryption(config.encryption, { uuid, now, logger }, isEnabled, metrics.registry)),
  });
  const store = stores.main;
  const environment: Environment = { store, now, uuid, random, logger };
  const groups = enabledGroups(config.runtimeConfig, isEnabled);
  const rbac = new RbacIndex();
  const nodes = new NodeGraph();
  const identity = apiServerId(hostname());
  const monotonic = () => performance.now();
  const { egress } = config;
  egress?.registerMetrics(metrics.registry);
  const dialCluster = egress?.dialer('cluster');
  const dial = egress?.dialer('controlplane');
  const outside = {
    dial,
    egress,
    clock: systemClock,
    random,
    now,
    monotonic,
    identity,
    registry: metrics.registry,
    logger,
  };
  const tokenKeys = config.serviceAccounts && (await startTokenKeys(config.serviceAccounts, outside));
  const authorization = buildAuthorization(config.authorization, {
    ...outside,
    provided: { RBAC: rbac, Node: nodeAuthorizer(nodes, nodeRules) },
  });
  const { authorize } = authorization;
  const services: AllocationDeps = {
    client: () => client,
    store,
    random,
    report: (error) => logger.error({ error: String(error) }, 'addresses or ports of a service were not freed'),
    clusterIPRanges: config.serviceClusterIpRanges,
    nodePortRange: { base: config.serviceNodePortRange.from, size: config.serviceNodePortRange.size },
  };
  const builtin = guardRbac(
    builtinRegistrations({
      eventTtlSeconds: config.eventTtlSeconds,
      services,
      namespaceLabels: (name) => resources.storeOf('', 'namespaces').cached('', name)?.labels,
      ...(isEnabled('DRAResourceClaimGranularStatusAuthorization') ? { authorize } : {}),
      pods: { allowPrivileged: config.allowPrivileged },
      isEnabled,
      compileExpression: compileForValidation,
      schemas: schemaJudge(),
    }),
    {
      rules: rbac,
      authorize,
      getRole: (resource, namespace, name) => objects.getLive(`${resource}.${RBAC_GROUP}`, namespace, name),
    },
  );
  const registrations = guardParams(builtin, {
    authorize,
    resourcesOfKind: (...kind) => world.resourcesOfKind(...kind),
    getPolicy: (kind, name) => objects.getLive(`${kind}.admissionregistration.k8s.io`, '', name),
  });
  const resources = new Resources(environment, groups, registrations, (...resource) => stores.of(...resource));
  const objects = storedObjects(resources);
  const client = new RegistryClient(resources, now);
  const discovery = builtinApiGroups(groups, () => externalAddressOf(config));
  const lifecycle = new Lifecycle({ endsWatches: (config.shutdownWatchGraceMs ?? 0) > 0 });
  const backends = new BackendPool(dialCluster);
  const passing = {
    requestHeader: config.requestHeader,
    register: (end: () => void) => lifecycle.registerConnection(end),
  };
  const forwarding = { ...passing, pool: backends };
  const peering = new Peering({
    ...outside,
    config,
    isEnabled,
    store,
    resources,
    discovery,
    forwarding: passing,
  });
  const health = new HealthChecks({
    now: () => performance.now(),
    livezGraceMs: config.livezGraceMs,
    onResult: (check, endpoint, isHealthy) => metrics.recordHealth(check, endpoint, isHealthy),
    onFailure: (endpoint, failures) => logger.info({ endpoint, failures }, 'health check failed'),
  });
  const booted = addStandardChecks(health, {
    storeHealth: () => storeHealth(store, config.storeHealthTimeoutMs),
    storeReadiness: () => storeHealth(store, config.storeReadyTimeoutMs),
    isShuttingDown: () => lifecycle.stopping,
    priorityAndFairness: config.priorityAndFairness !== false,
    reloadsEncryption: config.encryption?.automaticReload ?? false,
    hasProxyCertificate: config.proxyClientCertificate !== undefined,
    peers: peering.state,
  });
  stores.addHealthChecks(health);

  const authenticators = startAuthentication(config, {
    ...outside,
    objects,
    keys: tokenKeys,
    label: (o, k, v) => client.label(o, k, v),
  });
  const { authenticate } = authenticators;
  const version = versionInfo(process);
  const openId = openIdDiscoveryOf(config, tokenKeys);
  const running = { reads: 0, writes: 0 };
  const onDropped = (ctx: RequestContext) => metrics.requests.dropped(...labelsOf(ctx));
  const flow =
    config.priorityAndFairness === false
      ? undefined
      : flowControl({
          resources,
          client,
          metrics,
          health,
          running,
          onDropped,
          now,
          random,
          logger,
          serverSeats: config.maxRequestsInflight + config.maxMutatingRequestsInflight,
          requestTimeoutSeconds: config.requestTimeoutSeconds,
        });
  metrics.follow({
    version,
    gates,
    inflight: () => running,
    objects: () => objectCounts(resources),
    storeSize: () => store.size(),
  });
  const pages: Page[] = [];
  const otherPaths = () => [...OTHER_PATHS, ...pages.map(({ kind }) => `/${kind.toLowerCase()}`), ...health.paths()];
  if (isEnabled('ComponentFlagz') && config.flags) pages.push(flagz(NAME, config.flags));
  if (isEnabled('ComponentStatusz')) {
    const startedAt = new Date(processStartSeconds() * 1000);
    pages.push(statusz({ component: NAME, version, startedAt, now, paths: otherPaths }));
  }
  const openapi = new OpenApiService({ served: () => groups, now });

  const resolveService = config.routeToEndpoints ? endpointResolver(objects, random) : serviceResolver(objects);
  const converters = new WebhookClient({ resolve: resolveService, egress, tracing: config.tracing });
  const custom = new CustomResources({
    resources,
    discovery,
    openapi,
    client,
    conversion: { client: converters, uuid: environment.uuid },
    clock: systemClock,
    now,
    logger,
  });
  let hasBeenReady = false;
  const aggregation = new Aggregation({
    resources,
    objects,
    client,
    discovery,
    openapi,
    served: groups,
    resolve: resolveService,
    certificate: config.proxyClientCertificate,
    forwarding,
    dial: dialCluster,
    rejectsRedirects: config.rejectForwardedRedirects !== false,
    isReady: () => hasBeenReady,
    metrics: metrics.registry,
    clock: systemClock,
    now,
    logger,
  });
  const world = admissionWorld({ environment, resources, client, objects, authorize });
  const admissionMetrics = new AdmissionMetrics(metrics.registry, () => performance.now());
  const admission = dynamicAdmission({
    world,
    resources,
    metrics: admissionMetrics,
    uuid: environment.uuid,
    configurations: config.admissionControlConfig,
    resolveService,
    egress,
    tracing: config.tracing,
  });
  const handler = endpoint({
    resources,
    metrics,
    admission: admissionChain(config, world, admission.plugins, admissionMetrics),
    authorize,
    virtualKinds: virtualKinds({
      authenticate,
      apiAudiences: apiAudiencesOf(config),
      authorize,
      authorizer: authorization,
      tokens: tokenIssuer(config, tokenKeys, environment, objects),
      pods: {
        pods: () => resources.storeOf('', 'pods'),
        budgets: () => resources.storeOf('policy', 'poddisruptionbudgets'),
      },
    }),
    connect: {
      locator: { objects, kubelets: new Kubelets(objects, config.kubelet), random },
      forwarding,
      authorize,
      websocketsNeedCreate: isEnabled('AuthorizePodWebsocketUpgradeCreatePermission'),
      selectsLogStreams: isEnabled('PodLogsQuerySplitStreams'),
      streamed: (...stream) => metrics.streamed(...stream),
    },
    computedKinds: {
      componentstatuses: { objects: () => componentStatuses({ storeHealth: () => storeHealth(store) }) },
    },
    watchLimits: {
      minRequestTimeoutSeconds: config.minRequestTimeoutSeconds,
      random,
      lifecycle,
      rounds: new Rounds(store.embedded ? 0 : 1),
    },
    passOn: (ctx) => aggregation.serve(ctx),
    hasGroup: (group) => discovery.isOwn(group),
    isCustomGroup: (group) => discovery.isCustom(group),
    deleteCollectionWorkers: config.deleteCollectionWorkers,
    paths: [
      (request) => serveDiscovery(discovery, request, peering.shown),
      (request) => health.serve(request),
      (request) => serveVersion(version, request),
      (request) => openapi.serve(request),
      (request) => openId && serveOpenId(openId, request),
      (request) => metrics.serve(request),
      (request) => flow?.serve(request),
      ...pages.map((page) => (request: PathRequest) => servePage(page, request)),
      (request) => serveRootPaths(discovery, otherPaths(), request),
    ],
  });

  const auditMetrics = new AuditMetrics(metrics.registry);
  const auditing = config.audit && {
    evaluate: auditEvaluator(config.audit.policy),
    sink: config.audit.sink((plugin, error, events) => {
      auditMetrics.lost(plugin, events);
      logger.error({ plugin, events, error: error.message }, 'audit events were not recorded');
    }),
    metrics: auditMetrics,
    now,
  };
  const chain = compose(
    filtersOf(config, {
      lifecycle,
      random,
      logger,
      auditing,
      tracing: config.tracing && tracing(config.tracing),
      authentication: authentication({
        authenticate,
        audiences: apiAudiencesOf(config),
        metrics: authenticators.metrics,
        logger,
        endsUnknown: isEnabled('UnauthenticatedHTTP2DOSMitigation'),
      }),
      impersonation: impersonation(new Impersonation(authorize, () => now().getTime())),
      hasBeenReady: () => hasBeenReady,
      waiting:
        flow?.filter ??
        inflight({ reads: config.maxRequestsInflight, writes: config.maxMutatingRequestsInflight }, running, onDropped),
      authorization: checkAuthorization(authorization.metrics.attempted(authorize)),
      peers: peering.filter,
    }),
    handler,
  );

  const accept = (exchange: Exchange) => serve(exchange, chain, now, logger);
  const listener = await listen({
    host: config.bindAddress,
    port: config.securePort,
    material: tlsMaterial(config),
    ...(config.tls === undefined ? {} : { tls: config.tls }),
    ...config.listening,
    onExchange: accept,
    onFault: (error) =>
      logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'connection failed'),
  });
  onTlsMaterial(config, (material) => listener.setMaterial(material));

  const presence = new Presence({
    ...config,
    client,
    port: listener.port,
    peerAddress: peering.addressOf(listener.port),
    now,
    uuid: environment.uuid(),
    hostname: hostname(),
  });
  const repair = serviceAllocationRepair(services, now);
  const upkeep = new FlowControlUpkeep(client, logger);
  const ready = boot({
    health,
    logger,
    // A watch that is new keeps etcd from telling the others how far they have come, for a tenth of a second each time.
    load: async () => {
      if (!store.embedded) await resources.load();
    },
    // All at once: who follows before the first page has come is told of it without parsing it again.
    follow: async () => {
      const nodesToo = config.authorization.configuration.some(({ type }) => type === 'Node');
      await Promise.all([
        followRbac(rbac, resources),
        nodesToo ? followNodes(nodes, resources) : undefined,
        admission.start(),
      ]);
    },
    repair,
    objects: () => {
      return bootstrap({ client, health, now: now(), authentication: authenticationInfo(config), isEnabled });
    },
    upkeep,
    flow,
    custom,
    aggregation,
    peers: peering,
    presence,
  }).then(() => {
    hasBeenReady = true;
    booted();
    void peering.announce(listener.port);
  });
  const stopCompactors = stores.startCompactors();
  const stop = () => {
    stopCompactors();
    return shutDown(config, lifecycle, listener, [repair, presence, upkeep, custom, aggregation, peering]).finally(
      async () => {
        flow?.stop();
        resources.close();
        stores.close();
        await auditing?.sink.close();
        admission.close();
        authorization.close();
        authenticators.close();
        tokenKeys?.close();
        converters.close();
        backends.close();
        peering.close();
      },
    );
  };
  return { port: listener.port, ready, accept, close: stop };
}

/** By what a request is counted that does not get to its handler. */
function labelsOf({ info, exchange }: RequestContext): [RequestLabels, dryRun: string] {
  const { method, headers } = exchange;
  const labels = info.isResourceRequest
    ? labelsOfResource(info, method, headerOf(headers, 'content-type'))
    : labelsOfPath(info.path, method);
  return [labels, dryRunOf(info.query)];
}

/** What the caches hold, which is all there is. */
function* objectCounts(resources: Resources): Iterable<StoredObjects> {
  for (const { definition, cacher } of resources.stores()) {
    const { group, resource } = definition;
    yield { group, resource, count: cacher.count(''), bytes: cacher.bytes };
  }
}

/** What extension servers are told about whom to trust. */
function authenticationInfo({ clientCa, requestHeader }: ServerConfig): AuthenticationInfo {
  return {
    ...(clientCa ? { clientCa: clientCa.get() } : {}),
    ...(requestHeader ? { requestHeader: { ...requestHeader, clientCa: requestHeader.clientCa.get() } } : {}),
  };
}
