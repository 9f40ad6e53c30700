/** What answers a request that the filters have let through. */
import { type DynamicAdmission, dynamicAdmission } from '../admission/dynamic.ts';
import { AdmissionMetrics } from '../admission/metrics.ts';
import { admissionChain } from '../admission/plugins.ts';
import type { Aggregation } from '../aggregation/index.ts';
import { apiAudiencesOf, tokenIssuer } from '../authn/build.ts';
import type { Authentication } from '../authn/start.ts';
import type { Handler } from '../chain.ts';
import type { ServerConfig } from '../config.ts';
import type { Forwarding } from '../connect/forward.ts';
import { Kubelets } from '../connect/kubelets.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import { endpoint } from '../handlers/endpoint.ts';
import { FanOut } from '../handlers/fan-out.ts';
import { virtualKinds } from '../handlers/virtual-kinds.ts';
import type { PathHandler } from '../http/answer.ts';
import { componentStatuses } from '../registry/core/componentstatus/probe.ts';
import { storeHealth } from '../registry/store-error.ts';
import type { ResolveService } from '../webhook/client.ts';
import type { Authority } from './access.ts';
import type { Foundation } from './foundation.ts';
import type { Registry } from './registry.ts';

export interface HandlerOptions {
  readonly config: ServerConfig;
  readonly foundation: Foundation;
  readonly registry: Registry;
  readonly authority: Authority;
  readonly authenticators: Authentication;
  readonly discovery: ApiGroups;
  readonly aggregation: Aggregation;
  readonly paths: readonly PathHandler[];
  /** Where a service is. */
  readonly resolve: ResolveService;
  readonly forwarding: Forwarding;
}

/** @returns the handler, and the webhooks and policies that it asks, which follow what is stored once they are started */
export function handlerOf(options: HandlerOptions): {
  readonly handler: Handler;
  readonly admission: DynamicAdmission;
} {
  const { config, foundation, registry, authority, authenticators, discovery, aggregation, forwarding } = options;
  const { environment, isEnabled, metrics, outside, lifecycle } = foundation;
  const { resources, objects, world } = registry;
  const { authorization, tokenKeys } = authority;
  const { authorize } = authorization;
  const { store, random, uuid } = environment;
  const admissionMetrics = new AdmissionMetrics(outside.registry, outside.monotonic);
  const admission = dynamicAdmission({
    world,
    resources,
    metrics: admissionMetrics,
    uuid,
    configurations: config.admissionControlConfig,
    resolveService: options.resolve,
    egress: outside.egress,
    tracing: config.tracing,
  });
  const handler = endpoint({
    resources,
    metrics,
    isEnabled,
    admission: admissionChain(config, world, admission.plugins, admissionMetrics),
    authorize,
    virtualKinds: virtualKinds({
      authenticate: authenticators.authenticate,
      apiAudiences: apiAudiencesOf(config),
      authorize,
      authorizer: authorization,
      tokens: tokenIssuer(config, tokenKeys, { ...environment, isEnabled }, objects),
      pods: {
        pods: () => resources.storeOf('', 'pods'),
        budgets: () => resources.storeOf('policy', 'poddisruptionbudgets'),
        isEnabled,
      },
    }),
    connect: {
      locator: { objects, kubelets: new Kubelets(objects, config.kubelet), random },
      forwarding: { ...forwarding, bytesPerSecond: config.connectionBytesPerSecond },
      authorize,
      isEnabled,
      streamed: (...stream) => metrics.streamed(...stream),
    },
    computedKinds: {
      componentstatuses: { objects: () => componentStatuses({ storeHealth: () => storeHealth(store) }) },
    },
    watchLimits: {
      minRequestTimeoutSeconds: config.minRequestTimeoutSeconds,
      random,
      lifecycle,
      fanOut: new FanOut(outside.monotonic),
    },
    passOn: (ctx) => aggregation.serve(ctx),
    hasGroup: (group) => discovery.isOwn(group),
    isCustomGroup: (group) => discovery.isCustom(group),
    deleteCollectionWorkers: config.deleteCollectionWorkers,
    paths: options.paths,
  });
  return { handler, admission };
}
