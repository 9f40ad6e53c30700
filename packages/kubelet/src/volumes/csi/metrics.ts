/** Calls to drivers, and what is done with them, as metrics have it (pkg/volume/util/metrics.go). */
import { RpcError } from '@keelson/component/grpc/errors';
import { Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

/** How long what is done with volumes takes, by labels of which one tells the outcome and the last is `migrated`. */
class Durations {
  readonly #now: () => number;
  readonly #histogram: Histogram;

  constructor(registry: MetricsRegistry, now: () => number, name: string, help: string, labels: readonly string[]) {
    this.#now = now;
    const description = { name, help, stability: 'ALPHA', labels: [...labels, 'migrated'] } as const;
    this.#histogram = registry.register(new Histogram(description, BOUNDS));
  }

  /** @param labelsOf of what it was done without, or failed with. @throws what the work throws */
  async observe<T>(labelsOf: (outcome: Outcome) => readonly string[], work: () => Promise<T>): Promise<T> {
    const startedAt = this.#now();
    let outcome: Outcome = { failed: false };
    try {
      return await work();
    } catch (error) {
      outcome = { failed: true, error };
      throw error;
    } finally {
      this.#histogram.with(...labelsOf(outcome), 'false').observe((this.#now() - startedAt) / 1000);
    }
  }
}

type Outcome = { readonly failed: false } | { readonly failed: true; readonly error: unknown };

function codeOf(outcome: Outcome): string {
  if (!outcome.failed) return 'OK';
  return outcome.error instanceof RpcError ? outcome.error.codeName : 'unknown-non-grpc';
}

/** Calls to drivers. */
export class CsiOperations {
  readonly #durations: Durations;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    const help = 'How long drivers of volumes took to answer, and with which code of gRPC.';
    const labels = ['driver_name', 'method_name', 'grpc_status_code'];
    this.#durations = new Durations(registry, now, 'csi_operations_seconds', help, labels);
  }

  /** Makes the call. @param driver its name. @param method with its service: `/csi.v1.Node/NodeGetInfo`. @throws what it throws */
  observe<T>(driver: string, method: string, call: () => Promise<T>): Promise<T> {
    return this.#durations.observe((outcome) => [driver, method, codeOf(outcome)], call);
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
  readonly #durations: Durations;

  /** @param now milliseconds of a clock that never goes backwards */
  constructor(registry: MetricsRegistry, now: () => number) {
    const labels = ['volume_plugin', 'operation_name', 'status'];
    const help = 'Storage operation duration';
    this.#durations = new Durations(registry, now, 'storage_operation_duration_seconds', help, labels);
  }

  /** Does it. @throws what it throws */
  observe<T>(driver: string, operation: StorageOperation, work: () => Promise<T>): Promise<T> {
    const statusOf = ({ failed }: Outcome) => (failed ? 'fail-unknown' : 'success');
    return this.#durations.observe((outcome) => [`kubernetes.io/csi:${driver}`, operation, statusOf(outcome)], work);
  }
}
