/** Calls to drivers, and what is done with them, as metrics have it (pkg/volume/util/metrics.go). */
import { timedCall } from '@keelson/component/grpc/timed';
import { Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

/** Whether the volume is one that in-tree code would have had. */
const MIGRATED = 'false';

/** Calls to drivers. */
export class CsiOperations {
  readonly #now: () => number;
  readonly #durations: Histogram;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const name = 'csi_operations_seconds';
    const help = 'How long drivers of volumes took to answer, and with which code of gRPC.';
    const labels = ['driver_name', 'method_name', 'grpc_status_code', 'migrated'];
    this.#durations = registry.register(new Histogram({ name, help, stability: 'ALPHA', labels }, BOUNDS));
  }

  /** Makes the call. @param driver its name. @param method with its service: `/csi.v1.Node/NodeGetInfo`. @throws what it throws */
  observe<T>(driver: string, method: string, call: () => Promise<T>): Promise<T> {
    const told = (code: string, seconds: number) =>
      this.#durations.with(driver, method, code, MIGRATED).observe(seconds);
    return timedCall(this.#now, told, call);
  }
}

export type StorageOperation =
  | 'volume_mount'
  | 'map_volume'
  | 'volume_unmount'
  | 'unmap_volume'
  | 'unmount_device'
  | 'unmap_device';

/** What is done with volumes as a whole. */
export class StorageOperations {
  readonly #now: () => number;
  readonly #durations: Histogram;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    this.#now = now;
    const name = 'storage_operation_duration_seconds';
    const help = 'Storage operation duration';
    const labels = ['volume_plugin', 'operation_name', 'status', 'migrated'];
    this.#durations = registry.register(new Histogram({ name, help, stability: 'ALPHA', labels }, BOUNDS));
  }

  /** Does it. @param plugin its whole name. @throws what it throws */
  async observe<T>(plugin: string, operation: StorageOperation, work: () => Promise<T>): Promise<T> {
    const startedAt = this.#now();
    let status = 'fail-unknown';
    try {
      const result = await work();
      status = 'success';
      return result;
    } finally {
      const seconds = (this.#now() - startedAt) / 1000;
      this.#durations.with(plugin, operation, status, MIGRATED).observe(seconds);
    }
  }
}
