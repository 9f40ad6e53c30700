/** What the name server tells Prometheus. */
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export type DnsMetrics = ReturnType<typeof dnsMetrics>;

export function dnsMetrics(registry: MetricsRegistry) {
  const counter = (name: string, help: string, ...labels: string[]) =>
    registry.register(new Counter({ name: `keelson_dns_${name}`, help, stability: 'ALPHA', labels }));
  return {
    requests: counter('requests_total', 'Questions.', 'proto', 'type'),
    responses: counter('responses_total', 'Answers.', 'rcode'),
    cache: counter('cache_requests_total', 'Questions for other servers, by whether the answer was known.', 'result'),
    refused: counter('refused_total', 'Questions of clients from elsewhere.'),
  };
}
