/** What every component tells of its process, under the names that Prometheus' clients use. */
import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge } from './families.ts';
import type { MetricsRegistry } from './registry.ts';

const STABLE = { stability: 'STABLE' } as const;
const ALPHA = { stability: 'ALPHA' } as const;
const NANOSECONDS = 1e9;

/** Figures of this process, under the names of Prometheus's Go library. */
export function registerProcessMetrics(registry: MetricsRegistry): void {
  registry.register(
    new CpuSeconds({ name: 'process_cpu_seconds_total', help: 'User and system CPU time.', ...STABLE }),
  );
  gauge(registry, 'process_start_time_seconds', 'When the process started, in Unix time.', STABLE, () =>
    processStartSeconds(),
  );
  gauge(registry, 'process_resident_memory_bytes', 'Resident memory.', STABLE, () => process.memoryUsage.rss());
  gauge(registry, 'process_virtual_memory_bytes', 'Virtual memory.', STABLE, () => virtualMemory());
  gauge(registry, 'process_open_fds', 'Open file descriptors.', STABLE, () => openFiles());
  gauge(registry, 'process_max_fds', 'Most file descriptors that may be open.', STABLE, () => maxFiles());
  registerNodeMetrics(registry);
}

function registerNodeMetrics(registry: MetricsRegistry): void {
  gauge(registry, 'nodejs_heap_size_total_bytes', 'Size of the heap.', ALPHA, () => process.memoryUsage().heapTotal);
  gauge(registry, 'nodejs_heap_size_used_bytes', 'Used part of the heap.', ALPHA, () => process.memoryUsage().heapUsed);
  gauge(
    registry,
    'nodejs_external_memory_bytes',
    'Memory outside of the heap.',
    ALPHA,
    () => process.memoryUsage().external,
  );
  const utilization = () => performance.eventLoopUtilization().utilization;
  gauge(
    registry,
    'nodejs_eventloop_utilization',
    'Part of the time in which the event loop was busy.',
    ALPHA,
    utilization,
  );
  const lag = new EventLoopLag();
  for (const [suffix, percentile] of [
    ['p50', 50],
    ['p90', 90],
    ['p99', 99],
  ] as const) {
    const help = `Delay of the event loop since the last scrape, percentile ${percentile}.`;
    gauge(registry, `nodejs_eventloop_lag_${suffix}_seconds`, help, ALPHA, () => lag.seconds(percentile));
  }
  registry.register(
    new Gauge({ name: 'nodejs_version_info', help: 'The version of Node.js.', ...ALPHA, labels: ['version'] }, (g) => {
      g.with(process.version).value = 1;
    }),
  );
}

class CpuSeconds extends Counter {
  override prepare(): void {
    const { user, system } = process.cpuUsage();
    this.with().value = (user + system) / 1e6;
  }
}

/** Measured from the first scrape on, since measuring wakes the process up a hundred times a second. */
class EventLoopLag {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;

  seconds(percentile: number): number | undefined {
    if (!this.#histogram) {
      this.#histogram = monitorEventLoopDelay({ resolution: 10 });
      this.#histogram.enable();
      return undefined;
    }
    const value = this.#histogram.percentile(percentile) / NANOSECONDS;
    if (percentile === 99) this.#histogram.reset();
    return value;
  }
}

function gauge(
  registry: MetricsRegistry,
  name: string,
  help: string,
  stability: typeof STABLE | typeof ALPHA,
  read: () => number | undefined,
): void {
  registry.register(
    new Gauge({ name, help, ...stability }, (g) => {
      const value = read();
      if (value === undefined) g.clear();
      else g.with().value = value;
    }),
  );
}

/** In Unix time. */
export function processStartSeconds(): number {
  return performance.timeOrigin / 1000;
}

/** What only Linux tells; undefined elsewhere. */
function onLinux(read: () => number): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const PAGE_BYTES = 4096;

function virtualMemory(): number | undefined {
  return onLinux(() => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]) * PAGE_BYTES);
}
function openFiles(): number | undefined {
  return onLinux(() => readdirSync('/proc/self/fd').length);
}
function maxFiles(): number | undefined {
  return onLinux(() => Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]));
}
