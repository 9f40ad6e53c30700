/** What a proxy's ports show (pkg/proxy/healthcheck, cmd/kube-proxy/app). */
import type { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '@keelson/component/metrics/registry';
import { HealthMetrics } from '@keelson/component/metrics/slis';
import type { PlainHandler } from '@keelson/component/serving/plain';
import { pagesOf } from '../zpages.ts';
import type { ServiceProxy } from './start.ts';

export const MODE = 'nftables';
export const HEALTHZ_PORT = 10_256;
export const METRICS_PORT = 10_249;

/** Of the port that load balancers ask. @param proxy undefined while it starts: nothing is shown yet */
export const healthOf =
  (proxy: () => ServiceProxy | undefined): PlainHandler =>
  (path) => {
    if (path === '/healthz') return proxy()?.health();
    return path === '/livez' ? proxy()?.live() : undefined;
  };

/**
 * Of the port for those on this machine.
 * @param configuration what `/configz` shows
 * @param flags what `/flagz` shows; without them there is none
 */
export function metricsOf(
  metrics: MetricsRegistry,
  configuration: object,
  flags?: Readonly<Record<string, string>>,
  gates?: FeatureGates,
): PlainHandler {
  const paths = ['/configz', '/healthz', '/metrics', '/proxyMode'];
  const pages = pagesOf({ component: 'kube-proxy', paths, ...(flags ? { flags } : {}), ...(gates ? { gates } : {}) });
  const health = new HealthMetrics();
  const headers = { 'content-type': METRICS_CONTENT_TYPE };
  return async (path, request) => {
    if (path === '/metrics') return { body: await metrics.text(), headers };
    if (path === '/metrics/slis') return { body: await health.registry.text(), headers };
    if (path === '/healthz') {
      health.record('ping', 'healthz', true);
      return text('ok');
    }
    if (path === '/proxyMode') return text(MODE);
    if (path !== '/configz') return pages(request);
    const body = JSON.stringify({ 'kubeproxy.config.k8s.io': { mode: MODE, ...configuration } });
    return { body, headers: { 'content-type': 'application/json' } };
  };
}

const text = (body: string) => ({ body, headers: { 'content-type': 'text/plain; charset=utf-8' } });
