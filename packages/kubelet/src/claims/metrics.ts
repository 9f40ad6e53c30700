/** What is counted of claims, under upstream's names (pkg/kubelet/metrics). */
import { exponentialBounds, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { NodeClaim } from './types.ts';

const BOUNDS = exponentialBounds(0.1, 400 ** (1 / 14), 15);
const ANY = '<any>';

export class ClaimMetrics {
  readonly #operations: Histogram;
  readonly #calls: Histogram;

  /** @param claims as they are when it is asked */
  constructor(registry: MetricsRegistry, claims: () => Iterable<NodeClaim>) {
    const family = (name: string, help: string, labels: readonly string[]) =>
      ({ name: `dra_${name}`, help, stability: 'ALPHA', labels }) as const;
    this.#operations = registry.register(
      new Histogram(
        family('operations_duration_seconds', 'How long it took to prepare or unprepare all claims of a pod.', [
          'operation_name',
          'is_error',
        ]),
        BOUNDS,
      ),
    );
    this.#calls = registry.register(
      new Histogram(
        family('grpc_operations_duration_seconds', 'How long drivers took to answer.', [
          'driver_name',
          'method_name',
          'grpc_status_code',
        ]),
        BOUNDS,
      ),
    );
    const inUse = family(
      'resource_claims_in_use',
      'Claims that are prepared, by driver; <any>: all of them, each once.',
      ['driver_name'],
    );
    registry.register(new Gauge(inUse, (gauge) => count(gauge, claims())));
  }

  operation(name: 'PrepareResources' | 'UnprepareResources', failed: boolean, ms: number): void {
    this.#operations.with(name, String(failed)).observe(ms / 1000);
  }

  call(driver: string, method: string, code: string, ms: number): void {
    this.#calls.with(driver, method, code).observe(ms / 1000);
  }
}

function count(gauge: Gauge, claims: Iterable<NodeClaim>): void {
  gauge.clear();
  gauge.with(ANY).value = 0;
  for (const { isPrepared, drivers } of claims) {
    if (!isPrepared) continue;
    for (const driver of [ANY, ...drivers.keys()]) gauge.with(driver).value++;
  }
}
