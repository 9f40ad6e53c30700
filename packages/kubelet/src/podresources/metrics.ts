/** What is counted of requests for pods' resources (pkg/kubelet/metrics). */
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export interface EndpointMetrics {
  asked(method: 'list' | 'get_allocatable' | 'get'): void;
  /** In v1alpha1. */
  askedAlpha(): void;
  /** Of a single pod that is not there. */
  notFound(): void;
}

export const UNCOUNTED: EndpointMetrics = { asked: () => {}, askedAlpha: () => {}, notFound: () => {} };

export function endpointMetrics(registry: MetricsRegistry): EndpointMetrics {
  const counter = (name: string, help: string) =>
    registry.register(
      new Counter({
        name: `kubelet_pod_resources_endpoint_${name}`,
        help,
        stability: 'ALPHA',
        labels: ['server_api_version'],
      }),
    );
  const total = counter('requests_total', 'Requests for the resources of pods.');
  const requests = {
    list: counter('requests_list', 'Requests for the resources of all pods.'),
    get_allocatable: counter('requests_get_allocatable', 'Requests for what pods can have.'),
    get: counter('requests_get', 'Requests for the resources of one pod.'),
  };
  const errors = counter('errors_get', 'Requests for the resources of one pod that failed.');
  return {
    asked: (method) => {
      total.with('v1').inc();
      requests[method].with('v1').inc();
    },
    askedAlpha: () => total.with('v1alpha1').inc(),
    notFound: () => errors.with('v1').inc(),
  };
}
