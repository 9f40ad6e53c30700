import { versionInfo } from '@keelson/apiserver/health/root';
import { registerBuild } from '@keelson/apiserver/metrics/build';
import { ClientMetrics } from '@keelson/client';
import { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { registerProcessMetrics } from '@keelson/component/metrics/process';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { MetricRules } from '@keelson/component/metrics/rules';

/** What every component beside the API server tells: its process, how it was built, its features, its calls and its queues. */
export function componentMetrics(
  gates = new FeatureGates(),
  rules?: MetricRules,
): {
  readonly registry: MetricsRegistry;
  readonly clients: ClientMetrics;
} {
  const registry = new MetricsRegistry(rules);
  registry.registerOwn();
  registerProcessMetrics(registry);
  registerBuild(registry, versionInfo(process), gates);
  return { registry, clients: new ClientMetrics(registry) };
}
