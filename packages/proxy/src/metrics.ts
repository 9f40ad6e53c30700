/** What the proxy tells Prometheus (pkg/proxy/metrics/metrics.go). */
import { Counter, type Description, exponentialBounds, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export type ProxyMetrics = ReturnType<typeof proxyMetrics>;

export function proxyMetrics(registry: MetricsRegistry) {
  const describe = (name: string, help: string, ...labels: string[]): Description => ({
    name: `kubeproxy_${name}`,
    help,
    stability: 'ALPHA',
    labels,
  });
  const counter = (...args: Parameters<typeof describe>) => registry.register(new Counter(describe(...args)));
  const gauge = (...args: Parameters<typeof describe>) => registry.register(new Gauge(describe(...args)));
  const seconds = (...args: Parameters<typeof describe>) =>
    registry.register(new Histogram(describe(...args), exponentialBounds(0.001, 2, 15)));
  return {
    sync: seconds('sync_proxy_rules_duration_seconds', 'How long it took to write the rules.', 'ip_family'),
    full: seconds('sync_full_proxy_rules_duration_seconds', 'How long it took to write all rules.', 'ip_family'),
    partial: seconds(
      'sync_partial_proxy_rules_duration_seconds',
      'How long it took to write what changed.',
      'ip_family',
    ),
    written: gauge('sync_proxy_rules_last_timestamp_seconds', 'When the rules were last written.', 'ip_family'),
    queued: gauge('sync_proxy_rules_last_queued_timestamp_seconds', 'When the rules last had to change.', 'ip_family'),
    serviceChanges: counter('sync_proxy_rules_service_changes_total', 'Changes of services.'),
    endpointChanges: counter('sync_proxy_rules_endpoint_changes_total', 'Changes of endpoint slices.'),
    failures: counter('sync_proxy_rules_nftables_sync_failures_total', 'Transactions that failed.', 'ip_family'),
    sweepFailures: counter(
      'sync_proxy_rules_nftables_cleanup_failures_total',
      'Chains that could not be deleted.',
      'ip_family',
    ),
    noLocal: gauge(
      'sync_proxy_rules_no_local_endpoints_total',
      'Ports of services whose policy is Local, without an endpoint on this node.',
      'traffic_policy',
      'ip_family',
    ),
    healthz: counter('proxy_healthz_total', 'Answers of /healthz.', 'code'),
    livez: counter('proxy_livez_total', 'Answers of /livez.', 'code'),
    conntrack: seconds('conntrack_reconciler_sync_duration_seconds', 'How long it took to look at flows.', 'ip_family'),
    forgotten: counter('conntrack_reconciler_deleted_entries_total', 'Flows that were forgotten.', 'ip_family'),
  };
}
