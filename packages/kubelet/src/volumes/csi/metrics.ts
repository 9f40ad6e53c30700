/** Calls to drivers, and what is done with them, as metrics have it (pkg/volume/util/metrics.go). */
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

  /** Makes the call. @param driver its name. @param method with its service: `/csi.v1.Node/NodeGetInfo`. @throws what it throws */
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

export type StorageOperation =
  | 'volume_mount'
  | 'map_volume'
  | 'volume_unmount'
  | 'unmap_volume'
  | 'unmount_device'
  | 'unmap_device';

/** What is done with volumes of drivers as a whole. */
export class StorageOperations {
  readonly #now: () => number;
  readonly #durations: Histogram;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    this.#durations = registry.register(
      new Histogram(
        {
          name: 'storage_operation_duration_seconds',
          help: 'Storage operation duration',
          stability: 'ALPHA',
          labels: ['volume_plugin', 'operation_name', 'status', 'migrated'],
        },
        BOUNDS,
      ),
    );
  }

  /** Does it. @throws what it throws */
  async observe<T>(driver: string, operation: StorageOperation, work: () => Promise<T>): Promise<T> {
    const startedAt = this.#now();
    let status = 'success';
    try {
      return await work();
    } catch (error) {
      status = 'fail-unknown';
      throw error;
    } finally {
      const seconds = (this.#now() - startedAt) / 1000;
      this.#durations.with(`kubernetes.io/csi:${driver}`, operation, status, 'false').observe(seconds);
    }
  }
}
