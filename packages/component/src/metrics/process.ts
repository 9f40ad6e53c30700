/** What every component tells of its process, under the names that Prometheus' clients use. */
import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, type Description, type Family, Gauge } from './families.ts';
import type { MetricsRegistry } from './registry.ts';

const ALPHA = { stability: 'ALPHA' } as const;
const NANOSECONDS = 1e9;

/** Figures of this process, under the names of Prometheus's Go library, which says nothing of their stability. */
export function registerProcessMetrics(registry: MetricsRegistry): void {
  const own = (name: string, help: string, read: () => number | undefined) => gauge(registry, name, help, {}, read);
  const counter = (name: string, help: string, read: () => number | undefined) =>
    registry.register(new Counter({ name, help }, (family) => set(family, read())));
  counter('process_cpu_seconds_total', 'User and system CPU time.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  own('process_start_time_seconds', 'When the process started, in Unix time.', () => processStartSeconds());
  own('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  own('process_virtual_memory_bytes', 'Virtual memory.', () => virtualMemory());
  own('process_virtual_memory_max_bytes', 'Most virtual memory that there may be.', () => limit('Max address space'));
  own('process_open_fds', 'Open file descriptors.', () => openFiles());
  own('process_max_fds', 'Most file descriptors that may be open.', () => limit('Max open files'));
  counter('process_network_receive_bytes_total', "Bytes that the process's network has received.", () =>
    networkBytes('InOctets'),
  );
  counter('process_network_transmit_bytes_total', "Bytes that the process's network has sent.", () =>
    networkBytes('OutOctets'),
  );
  registerNodeMetrics(registry);
}

/** When the process started, of which `/metrics/slis` tells too. */
export function registerStart(registry: MetricsRegistry): void {
  const help = 'When the process started, in Unix time.';
  gauge(registry, 'process_start_time_seconds', help, ALPHA, () => processStartSeconds());
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
  stability: Pick<Description, 'stability'>,
  read: () => number | undefined,
): void {
  registry.register(new Gauge({ name, help, ...stability }, (family) => set(family, read())));
}

function set(family: Family<{ value: number }>, value: number | undefined): void {
  if (value === undefined) family.clear();
  else family.with().value = value;
}

/** In Unix time. */
export function processStartSeconds(): number {
  return performance.timeOrigin / 1000;
}

/** What only Linux tells; undefined elsewhere. */
function onLinux(read: () => number | undefined): number | undefined {
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

/** What getrlimit(2) gives for no limit. */
const UNLIMITED = 2 ** 64;

function limit(name: string): number | undefined {
  return onLinux(() => {
    const [, most] = new RegExp(`^${name} +(\\S+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))!;
    return most === 'unlimited' ? UNLIMITED : Number(most);
  });
}

/** A counter of `/proc/self/net/netstat`, which has a line of names and one of values for each protocol. */
function networkBytes(name: string): number | undefined {
  return onLinux(() => {
    const lines = readFileSync('/proc/self/net/netstat', 'utf8').split('\n');
    const [names, values] = lines.filter((line) => line.startsWith('IpExt:')).map((line) => line.split(' '));
    const value = Number(values![names!.indexOf(name)]);
    return Number.isNaN(value) ? undefined : value;
  });
}
