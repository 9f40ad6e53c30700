/** Calls to the runtime as the kubelet's metrics have them (pkg/kubelet/kuberuntime/instrumented_services.go). */
import { Counter, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const LABELS = ['operation_type'] as const;
const BOUNDS = Array.from({ length: 14 }, (_, i) => 0.005 * 2.5 ** i);

/** By CRI's method, where the name is not the method's own. */
const NAMES: Readonly<Record<string, string>> = { UpdateContainerResources: 'update_container' };

/** `RunPodSandbox` is `run_podsandbox`. */
export function operationOf(method: string): string {
  const words = method.replace('PodSandbox', 'Podsandbox').replace(/(?<!^)[A-Z]/g, '_$&');
  return NAMES[method] ?? words.toLowerCase();
}

export class Operations {
  readonly #now: () => number;
  readonly #total: Counter;
  readonly #errors: Counter;
  readonly #durations: Histogram;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const family = (name: string, help: string) =>
      ({ name: `kubelet_runtime_operations_${name}`, help, stability: 'ALPHA', labels: LABELS }) as const;
    this.#total = registry.register(new Counter(family('total', 'Calls to the container runtime.')));
    this.#errors = registry.register(
      new Counter(family('errors_total', 'Calls to the container runtime that failed.')),
    );
    this.#durations = registry.register(
      new Histogram(family('duration_seconds', 'How long the container runtime took to answer.'), BOUNDS),
    );
  }

  /** Makes the call. @throws what it throws */
  async observe<T>(method: string, call: () => Promise<T>): Promise<T> {
    const operation = operationOf(method);
    const startedAt = this.#now();
    this.#total.with(operation).inc();
    try {
      return await call();
    } catch (error) {
      this.#errors.with(operation).inc();
      throw error;
    } finally {
      this.#durations.with(operation).observe((this.#now() - startedAt) / 1000);
    }
  }
}
