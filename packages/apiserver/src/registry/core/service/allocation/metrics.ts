/** What is counted of services' addresses and node ports (pkg/registry/core/service/{ipallocator,portallocator}/metrics.go). */
import { Counter, DEFAULT_BOUNDS, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

/** Whether somebody wants this one, or any. */
export type Scope = 'static' | 'dynamic';

/** How full a range of addresses is. */
export interface RangeLevel {
  readonly cidr: string;
  readonly size: number;
  readonly taken: number;
}

const ALPHA = { stability: 'ALPHA' } as const;

export class AllocationMetrics {
  readonly #addresses: Counter;
  readonly #addressErrors: Counter;
  readonly #addressSeconds: Histogram;
  readonly #ports: Counter;
  readonly #portErrors: Counter;
  readonly #portsTaken: Gauge;
  readonly #portsFree: Gauge;
  readonly #now: () => number;

  /**
   * @param now milliseconds of a clock that never goes backwards
   * @param levels of all ranges of addresses, when somebody asks
   */
  constructor(registry: MetricsRegistry, now: () => number, levels: () => Promise<readonly RangeLevel[]>) {
    this.#now = now;
    const ip = 'kube_apiserver_clusterip_allocator_';
    const port = 'kube_apiserver_nodeport_allocator_';
    const counter = (name: string, help: string, ...labels: string[]) =>
      registry.register(new Counter({ name, help, ...ALPHA, labels }));
    this.#addresses = counter(`${ip}allocation_total`, 'Addresses that were taken for services.', 'cidr', 'scope');
    const notTaken = 'Addresses that could not be taken for services.';
    this.#addressErrors = counter(`${ip}allocation_errors_total`, notTaken, 'cidr', 'scope');
    const duration = { name: `${ip}allocation_duration_seconds`, help: 'How long it took to take an address.' };
    this.#addressSeconds = registry.register(
      new Histogram({ ...duration, ...ALPHA, labels: ['cidr'] }, DEFAULT_BOUNDS),
    );
    const level = (name: string, help: string, read: (range: RangeLevel) => number) =>
      registry.register(
        new Gauge({ name: `${ip}${name}_ips`, help, ...ALPHA, labels: ['cidr'] }, async (gauge) => {
          const ranges = await levels();
          gauge.clear();
          for (const range of ranges) gauge.with(range.cidr).value = read(range);
        }),
      );
    level('allocated', 'Addresses that services have.', ({ taken }) => taken);
    level('available', 'Addresses that services may have yet.', ({ size, taken }) => size - taken);
    this.#ports = counter(`${port}allocation_total`, 'Node ports that were taken for services.', 'scope');
    this.#portErrors = counter(
      `${port}allocation_errors_total`,
      'Node ports that could not be taken for services.',
      'scope',
    );
    const single = (name: string, help: string) =>
      registry.register(new Gauge({ name: `${port}${name}_ports`, help, ...ALPHA }));
    this.#portsTaken = single('allocated', 'Node ports that services have.');
    this.#portsFree = single('available', 'Node ports that services may have yet.');
  }

  /** @returns to be called with whether an address was taken */
  address(cidr: string, scope: Scope): (isTaken: boolean) => void {
    const startedAt = this.#now();
    return (isTaken) => {
      (isTaken ? this.#addresses : this.#addressErrors).with(cidr, scope).inc();
      if (isTaken) this.#addressSeconds.with(cidr).observe((this.#now() - startedAt) / 1000);
    };
  }

  port(scope: Scope, isTaken: boolean): void {
    (isTaken ? this.#ports : this.#portErrors).with(scope).inc();
  }

  /** How many there are, as it was written down last. */
  ports(taken: number, size: number): void {
    this.#portsTaken.with().value = taken;
    this.#portsFree.with().value = size - taken;
  }
}
