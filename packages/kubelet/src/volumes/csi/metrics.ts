/** Calls to drivers as metrics have them (csi_operations_seconds of k8s.io/csi-lib-utils, which pkg/volume/csi has too). */
import { RpcError } from '@keelson/component/grpc/errors';
import { Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

export class CsiOperations {
  readonly #now: () => number;
  readonly #durations: Histogram;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    this.#durations = registry.register(
      new Histogram(
        {
          name: 'csi_operations_seconds',
          help: 'How long drivers of volumes took to answer, and with which code of gRPC.',
          stability: 'ALPHA',
          labels: ['driver_name', 'method_name', 'grpc_status_code', 'migrated'],
        },
        BOUNDS,
      ),
    );
  }

  /** Makes the call. @param method with its service: `/csi.v1.Node/NodeGetInfo`. @throws what it throws */
  async observe<T>(driver: string, method: string, call: () => Promise<T>): Promise<T> {
    const startedAt = this.#now();
    let code = 'OK';
    try {
      return await call();
    } catch (error) {
      code = error instanceof RpcError ? error.codeName : 'unknown-non-grpc';
      throw error;
    } finally {
      this.#durations.with(driver, method, code, 'false').observe((this.#now() - startedAt) / 1000);
    }
  }
}
