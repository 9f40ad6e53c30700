/** How probes go, for `/metrics/probes` (pkg/kubelet/prober/prober_manager.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Counter, DEFAULT_BOUNDS, Histogram } from '@keelson/component/metrics/families';
import { MetricsRegistry } from '@keelson/component/metrics/registry';

const RESULTS = ['successful', 'failed', 'unknown'] as const;

export class ProbeMetrics {
  readonly #registry = new MetricsRegistry();
  readonly #total = this.#registry.register(
    new Counter({
      name: 'prober_probe_total',
      help: 'Liveness, readiness and startup probes of containers, by what they found.',
      stability: 'BETA',
      labels: ['probe_type', 'result', 'container', 'pod', 'namespace', 'pod_uid'],
    }),
  );
  readonly #durations = this.#registry.register(
    new Histogram(
      {
        name: 'prober_probe_duration_seconds',
        help: 'How long probes took that were answered.',
        stability: 'ALPHA',
        labels: ['probe_type', 'container', 'pod', 'namespace'],
      },
      DEFAULT_BOUNDS,
    ),
  );

  /** @param type `Liveness`, `Readiness` or `Startup` */
  probed(type: string, { metadata }: Pod, container: string, success: boolean, seconds: number): void {
    const { name = '', namespace = '', uid = '' } = metadata;
    const result = success ? 'successful' : 'failed';
    this.#total.with(type, result, container, name, namespace, uid).inc();
    if (success) this.#durations.with(type, container, name, namespace).observe(seconds);
  }

  /** It is probed no more. */
  forget(type: string, { metadata }: Pod, container: string): void {
    const { name = '', namespace = '', uid = '' } = metadata;
    for (const result of RESULTS) this.#total.remove(type, result, container, name, namespace, uid);
    this.#durations.remove(type, container, name, namespace);
  }

  text(): Promise<string> {
    return this.#registry.text();
  }
}
