/** What the ports of `keelson pod-network` show. */
import type { Logger } from '@keelson/component/logs/logger';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import { type PlainHandler, servePlain } from '@keelson/component/serving/plain';
import type { NetworkStatus } from '@keelson/pod-network';
import type { Endpoint } from '../kube-proxy/configuration.ts';
import { pagesOf } from '../zpages.ts';
import { POD_NETWORK } from './role.ts';

export const HEALTHZ_PORT = 10_246;
export const METRICS_PORT = 10_247;

/** Of the port that probes ask. */
export const healthOf =
  (status: NetworkStatus): PlainHandler =>
  (path) => {
    if (path === '/healthz' || path === '/livez') return status.health();
    return path === '/readyz' ? status.ready() : undefined;
  };

/** Of the port that Prometheus asks. @param flags what `/flagz` shows; without them there is none */
export function metricsOf(registry: MetricsRegistry, flags?: Readonly<Record<string, string>>): PlainHandler {
  const pages = pagesOf({ component: POD_NETWORK, paths: ['/metrics'], ...(flags ? { flags } : {}) });
  return async (path, request) =>
    path === '/metrics'
      ? { body: await registry.text(), headers: { 'content-type': METRICS_CONTENT_TYPE } }
      : pages(request);
}

/** A port that is taken is not served, which is logged: pods have their network all the same. @param at undefined: none is wanted */
export async function servePort(at: Endpoint | undefined, handle: PlainHandler, log: Logger): Promise<Running[]> {
  if (at === undefined) return [];
  try {
    return [await servePlain(at, handle)];
  } catch (error) {
    log.warn({ err: (error as Error).message }, 'A port of the network of pods is not served');
    return [];
  }
}
