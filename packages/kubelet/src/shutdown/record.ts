/** When the machine went down last, on disk and in metrics (pkg/kubelet/nodeshutdown/storage.go). */
import { join } from 'node:path';
import type { World } from '@keelson/client';
import { readIfExists, replaceFile } from '@keelson/component/files';
import { Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

export interface ShutdownRecordOptions {
  readonly world: World;
  /** Of the kubelet's data. */
  readonly directory: string;
  readonly metrics?: MetricsRegistry | undefined;
}

/** As Go writes that there is none. */
const NEVER = '0001-01-01T00:00:00Z';

export class ShutdownRecord {
  readonly #world: World;
  readonly #path: string;
  readonly #gauges = {
    start: gauge('start', 'began to end its pods'),
    end: gauge('end', 'had ended its pods'),
  };
  #startTime = NEVER;

  constructor({ world, directory, metrics }: ShutdownRecordOptions) {
    this.#world = world;
    this.#path = join(directory, 'graceful_node_shutdown_state');
    for (const each of Object.values(this.#gauges)) {
      each.with().value = 0;
      metrics?.register(each);
    }
  }

  /** Tells of the last time. */
  async restore(): Promise<void> {
    try {
      const text = (await readIfExists(this.#path)) ?? '{}';
      const { startTime = NEVER, endTime = NEVER } = JSON.parse(text) as { startTime?: string; endTime?: string };
      this.#tell(startTime, endTime);
    } catch (error) {
      this.#world.log.error({ error }, 'Failed to load graceful shutdown state');
    }
  }

  async began(): Promise<void> {
    this.#startTime = this.#now();
    await this.#keep(NEVER);
  }

  async ended(): Promise<void> {
    await this.#keep(this.#now());
  }

  async #keep(endTime: string): Promise<void> {
    const startTime = this.#startTime;
    this.#tell(startTime, endTime);
    await replaceFile(this.#path, JSON.stringify({ startTime, endTime }), 0o644).catch((error) =>
      this.#world.log.error({ error }, 'Failed to store graceful shutdown state'),
    );
  }

  #tell(startTime: string, endTime: string): void {
    this.#gauges.start.with().value = secondsOf(startTime);
    this.#gauges.end.with().value = secondsOf(endTime);
  }

  #now(): string {
    return new Date(this.#world.clock.now()).toISOString();
  }
}

const secondsOf = (time: string) => (time === NEVER ? 0 : Math.floor(Date.parse(time) / 1000));

function gauge(what: 'start' | 'end', done: string): Gauge {
  return new Gauge({
    name: `kubelet_graceful_shutdown_${what}_time_seconds`,
    help: `When the kubelet ${done} before its machine went down last, in seconds since 1970; 0: never.`,
    stability: 'ALPHA',
  });
}
