/** What is counted of device plugins (pkg/kubelet/metrics). */
import { Counter, DEFAULT_BOUNDS, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export interface DeviceMetrics {
  registered(resource: string): void;
  allocated(resource: string, ms: number): void;
}

export const UNCOUNTED: DeviceMetrics = { registered: () => {}, allocated: () => {} };

export function deviceMetrics(registry: MetricsRegistry): DeviceMetrics {
  const labels = ['resource_name'];
  const registrations = registry.register(
    new Counter({
      name: 'kubelet_device_plugin_registration_total',
      help: 'Registrations of device plugins, by resource.',
      stability: 'ALPHA',
      labels,
    }),
  );
  const allocations = registry.register(
    new Histogram(
      {
        name: 'kubelet_device_plugin_alloc_duration_seconds',
        help: 'How long device plugins took to allocate devices, by resource.',
        stability: 'ALPHA',
        labels,
      },
      DEFAULT_BOUNDS,
    ),
  );
  return {
    registered: (resource) => registrations.with(resource).inc(),
    allocated: (resource, ms) => allocations.with(resource).observe(ms / 1000),
  };
}
