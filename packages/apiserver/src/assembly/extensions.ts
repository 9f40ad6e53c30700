/** What is served beside the built-in kinds: here by definitions, elsewhere by API services. */
import { ClientMetrics } from '@keelson/client/metrics';
import { Aggregation } from '../aggregation/index.ts';
import type { ServerConfig } from '../config.ts';
import type { Forwarding } from '../connect/forward.ts';
import { CustomResources } from '../crd/index.ts';
import { ConversionMetrics } from '../crd/metrics.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import type { OpenApiService } from '../openapi/service.ts';
import { type ResolveService, WebhookClient } from '../webhook/client.ts';
import type { Foundation } from './foundation.ts';
import type { Registry } from './registry.ts';

export interface ExtensionsOptions {
  readonly config: ServerConfig;
  readonly foundation: Foundation;
  readonly registry: Registry;
  readonly discovery: ApiGroups;
  readonly openapi: OpenApiService;
  /** Where a service is. */
  readonly resolve: ResolveService;
  readonly forwarding: Forwarding;
  readonly isReady: () => boolean;
}

export interface Extensions {
  readonly custom: CustomResources;
  readonly aggregation: Aggregation;
  close(): void;
}

export function extensionsOf(options: ExtensionsOptions): Extensions {
  const { config, foundation, registry, discovery, openapi, resolve } = options;
  const { environment, groups, outside } = foundation;
  const { egress, dialCluster, clock, now, logger } = outside;
  const converters = new WebhookClient({ resolve, egress, tracing: config.tracing });
  const queues = new ClientMetrics(outside.registry);
  const custom = new CustomResources({
    ...registry,
    discovery,
    openapi,
    conversion: {
      client: converters,
      uuid: environment.uuid,
      metrics: new ConversionMetrics(outside.registry, outside.monotonic),
    },
    queues,
    clock,
    now,
    logger,
  });
  const aggregation = new Aggregation({
    ...registry,
    discovery,
    openapi,
    served: groups,
    resolve,
    certificate: config.proxyClientCertificate,
    forwarding: options.forwarding,
    dial: dialCluster,
    rejectsRedirects: config.rejectForwardedRedirects !== false,
    tellsUids: foundation.isEnabled('RemoteRequestHeaderUID'),
    isReady: options.isReady,
    metrics: outside.registry,
    queues,
    clock,
    now,
    logger,
  });
  return { custom, aggregation, close: () => converters.close() };
}
