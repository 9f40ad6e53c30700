/**
 * API services: what is served here is registered, what is served elsewhere is watched over, shown in discovery and
 * OpenAPI, and passed on to. docs/aggregation.md has the picture.
 */
import type { Clock } from '@keelson/api/clock';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import type { KubeObject } from '@keelson/api/object';
import type { ClientMetrics } from '@keelson/client/metrics';
import type { Again } from '@keelson/client/workqueue/workers';
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { RegistryClient } from '../bootstrap/client.ts';
import type { Reloadable } from '../config.ts';
import { BackendPool } from '../connect/backend.ts';
import type { Dial } from '../connect/dial.ts';
import type { Forwarding } from '../connect/forward.ts';
import type { RequestContext } from '../context.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import type { ServedGroup } from '../discovery/runtime-config.ts';
import type { HealthChecks } from '../health/checks.ts';
import type { ServingCertificate } from '../http/listener.ts';
import type { Objects } from '../objects.ts';
import type { OpenApiService } from '../openapi/service.ts';
import { follow } from '../registry/follow.ts';
import type { Resources } from '../resources.ts';
import { Upkeep } from '../upkeep.ts';
import type { ResolveService } from '../webhook/client.ts';
import { SERVICE_NAME } from '../webhook/services.ts';
import { apiServiceOfPath, REGISTRATION_GROUP, referenceOf } from './apiservice.ts';
import { AutoRegistration } from './autoregister.ts';
import { Availability } from './availability.ts';
import { RemoteDiscovery } from './discovery.ts';
import { AggregationMetrics } from './metrics.ts';
import { RemoteOpenApi } from './openapi.ts';
import { type ProxyDeps, proxy } from './proxy.ts';
import { Remote } from './remote.ts';

export interface AggregationOptions {
  readonly resources: Resources;
  readonly objects: Objects;
  readonly client: RegistryClient;
  readonly discovery: ApiGroups;
  readonly openapi: OpenApiService;
  /** What this server has built in. */
  readonly served: readonly ServedGroup[];
  readonly resolve: ResolveService;
  readonly certificate: Reloadable<ServingCertificate> | undefined;
  readonly forwarding: Forwarding;
  /** How the servers are connected to. Default: straight. */
  readonly dial: Dial | undefined;
  readonly rejectsRedirects: boolean;
  readonly tellsUids: boolean;
  readonly isReady: () => boolean;
  readonly metrics: MetricsRegistry;
  /** Where queues count. */
  readonly queues?: ClientMetrics | undefined;
  readonly clock: Clock;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** Servers that answer now may not do so later, and what they serve changes. */
const RECHECK_MS = 30_000;
const REFRESH_MS = 60_000;
const MOST_PATIENT_MS = 3_600_000;

export class Aggregation {
  readonly #options: AggregationOptions;
  /** All APIServices, and those that lead elsewhere. */
  readonly #services = new Map<string, APIService>();
  readonly #remotes = new Map<string, APIService>();
  /** Apart from the connections of clients' requests, to be closed before those have ended. */
  readonly #pool: BackendPool;
  readonly #registration: AutoRegistration;
  readonly #discovery: RemoteDiscovery;
  readonly #openapi: RemoteOpenApi;
  readonly #proxying: ProxyDeps;
  readonly #upkeep: {
    readonly registration: Upkeep;
    readonly availability: Upkeep;
    readonly discovery: Upkeep;
    readonly openapi: Upkeep;
  };
  readonly #unfollow: (() => void)[] = [];
  #isStopped = false;
  #watchesBackends = false;

  constructor(options: AggregationOptions) {
    this.#options = options;
    const { client, objects, now, isReady, resolve, certificate, clock, logger } = options;
    this.#pool = new BackendPool(options.dial);
    const remote = new Remote({ resolve, certificate, pool: this.#pool });
    this.#registration = new AutoRegistration(client, this.#services, options.served);
    this.#discovery = new RemoteDiscovery(remote, options.discovery);
    this.#openapi = new RemoteOpenApi(remote, options.openapi);
    this.#proxying = { ...options, remote };
    const metrics = new AggregationMetrics(options.metrics, this.#services);
    const onUnavailable = (name: string, reason: string) => metrics.becameUnavailable(name, reason);
    const availability = new Availability({ objects, remote, client, now, isReady, onUnavailable });
    const about = { what: 'APIService', metrics: options.queues, clock, logger };
    this.#upkeep = {
      registration: new Upkeep((name) => this.#registration.reconcile(name), {
        ...about,
        name: 'APIServiceRegistrationController',
      }),
      availability: new Upkeep(
        async (name) => {
          const service = this.#services.get(name);
          if (service) await availability.reconcile(service);
          return service && referenceOf(service) ? { afterMs: RECHECK_MS } : undefined;
        },
        { ...about, name: 'RemoteAvailabilityController', maxMs: RECHECK_MS },
      ),
      discovery: new Upkeep((name) => this.#refresh(name, this.#discovery), {
        ...about,
        name: 'discovery-manager',
        firstMs: 500,
        maxMs: REFRESH_MS,
      }),
      openapi: new Upkeep((name) => this.#refresh(name, this.#openapi), {
        ...about,
        name: 'open_api_v3_aggregation_controller',
        firstMs: REFRESH_MS,
        maxMs: MOST_PATIENT_MS,
      }),
    };
  }

  /** Resolves when what is served here is registered, and every other server was asked once. */
  async start(health: HealthChecks): Promise<void> {
    const check = () => {
      const missing = this.#registration.missing();
      if (missing.length > 0) throw new Error(`missing APIService: [${missing.join(' ')}]`);
    };
    health.add({ name: 'autoregister-completion', check });
    const followed = health.addBootHook('start-kube-aggregator-informers');
    const handled = health.addBootHook('apiservice-registration-controller');
    const registered = health.addBootHook('kube-apiserver-autoregistration');
    const discovered = health.addBootHook('apiservice-discovery-controller');
    await this.#follow();
    followed();
    handled();
    await Promise.all([...this.#registration.start()].map((name) => this.#register(name)));
    registered();
    // Who does not answer is shown as stale, and asked again.
    await Promise.allSettled([...this.#remotes.values()].map((service) => this.#discovery.refresh(service)));
    discovered();
    for (const upkeep of Object.values(this.#upkeep)) upkeep.start();
  }

  /** One that fails comes again; /readyz waits for it. */
  async #register(name: string): Promise<void> {
    try {
      await this.#registration.reconcile(name);
    } catch (error) {
      this.#options.logger.warn(
        { apiService: name, error: String(error) },
        'an APIService could not be registered yet',
      );
      this.#upkeep.registration.add(name);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const unfollow of this.#unfollow) unfollow();
    this.#pool.close();
    await Promise.all(Object.values(this.#upkeep).map((upkeep) => upkeep.stop()));
  }

  /** Passes a request on, if it is for another server. @returns undefined when it is for this one */
  serve(ctx: RequestContext): Promise<void> | undefined {
    if (this.#remotes.size === 0) return undefined;
    const { path } = ctx.info;
    const service = this.#remotes.get(apiServiceOfPath(path) ?? this.#options.openapi.ownerOf(path) ?? '');
    return service && proxy(ctx, service, this.#proxying);
  }

  async #follow(): Promise<void> {
    const { resources } = this.#options;
    const registration = this.#upkeep.registration;
    this.#unfollowAtEnd(
      await follow<CustomResourceDefinition>(resources.storeOf('apiextensions.k8s.io', 'customresourcedefinitions'), {
        set: (crd) => registration.add(...this.#registration.setDefinition(crd)),
        delete: (_namespace, name) => registration.add(...this.#registration.deleteDefinition(name)),
      }),
      await follow<APIService>(resources.storeOf(REGISTRATION_GROUP, 'apiservices'), {
        set: (service) => this.#set(service),
        delete: (_namespace, name) => this.#delete(name),
      }),
    );
  }

  #unfollowAtEnd(...unfollow: readonly (() => void)[]): void {
    if (this.#isStopped) for (const each of unfollow) each();
    else this.#unfollow.push(...unfollow);
  }

  #set(service: APIService): void {
    const name = service.metadata.name!;
    this.#services.set(name, service);
    this.#upkeep.registration.add(name);
    this.#upkeep.availability.add(name);
    if (referenceOf(service)) this.#remember(name, service);
    else this.#forget(name);
    this.#list(service, service.spec);
  }

  /** @param spec null: it is gone */
  #list({ spec: { group = '', version = '' } }: APIService, spec: APIService['spec'] | null): void {
    const priority = spec && { group: spec.groupPriorityMinimum, version: spec.versionPriority };
    this.#options.discovery.setRegistered(group, version, priority);
  }

  #remember(name: string, service: APIService): void {
    this.#remotes.set(name, service);
    this.#discovery.announce(service);
    this.#upkeep.discovery.add(name);
    this.#upkeep.openapi.add(name);
    this.#watchBackends();
  }

  #delete(name: string): void {
    const service = this.#services.get(name);
    if (service) this.#list(service, null);
    this.#services.delete(name);
    this.#upkeep.registration.add(name);
    this.#forget(name);
  }

  #forget(name: string): void {
    const service = this.#remotes.get(name);
    if (!service) return;
    this.#remotes.delete(name);
    this.#discovery.remove(service);
    this.#openapi.remove(service);
  }

  async #refresh(name: string, part: RemoteDiscovery | RemoteOpenApi): Promise<Again | undefined> {
    const service = this.#remotes.get(name);
    if (!service) return undefined;
    try {
      await part.refresh(service);
    } finally {
      // Gone meanwhile: what came is of no use.
      if (!this.#remotes.has(name)) part.remove(service);
    }
    return { afterMs: REFRESH_MS };
  }

  /** Services and their endpoints, from the first APIService on that has one: most clusters have many and need none. */
  #watchBackends(): void {
    if (this.#watchesBackends) return;
    this.#watchesBackends = true;
    const { resources, logger } = this.#options;
    const serviceOf = ({ metadata }: KubeObject) => metadata.labels?.[SERVICE_NAME];
    const followed = [
      follow(resources.storeOf('', 'services'), {
        set: ({ metadata }) => this.#backendChanged(metadata.namespace, metadata.name),
        delete: (namespace, name) => this.#backendChanged(namespace, name),
      }),
      follow(resources.storeOf('discovery.k8s.io', 'endpointslices'), {
        set: (slice) => this.#backendChanged(slice.metadata.namespace, serviceOf(slice)),
        delete: (namespace) => this.#backendChanged(namespace),
      }),
    ];
    for (const each of followed)
      each.then(
        (unfollow) => this.#unfollowAtEnd(unfollow),
        (error: unknown) => logger.error({ error: String(error) }, 'services cannot be followed'),
      );
  }

  /** @param name undefined: of any service of the namespace */
  #backendChanged(namespace: string | undefined, name?: string): void {
    for (const [key, service] of this.#remotes) {
      const reference = referenceOf(service)!;
      const isMeant = reference.namespace === namespace && (name === undefined || reference.name === name);
      if (isMeant) this.#upkeep.availability.add(key);
    }
  }
}
