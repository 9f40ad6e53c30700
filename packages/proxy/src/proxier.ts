/** Keeps one family's table as the cluster wants it. */
import type { World } from '@keelson/client';
import type { Family } from './addresses.ts';
import type { ProxyHealth } from './health/proxy-health.ts';
import type { ProxyMetrics } from './metrics.ts';
import type { Nft } from './nft.ts';
import { baseRules } from './rules/base.ts';
import type { Rules } from './rules/rules.ts';
import type { Surroundings } from './rules/service.ts';
import { serviceTable, serviceTableRemoval } from './rules/service-table.ts';
import type { Table } from './rules/table.ts';

/** Now and then everything is written, should somebody else have changed the table. */
const FULL_MS = 3_600_000;
/** So many services at once, then other work gets its turn. */
const SLICE = 200;
/** When chains are old enough to be deleted. */
const SWEEP_MS = 1_500;

export interface ProxierOptions {
  readonly family: Family;
  readonly nft: Nft;
  readonly world: World;
  readonly metrics: ProxyMetrics;
  readonly health: ProxyHealth;
  readonly minSyncMs: number;
  readonly syncMs: number;
  /** As they are now. */
  readonly surroundings: () => Surroundings;
  /** All services. */
  readonly services: () => Iterable<string>;
  /** What a service means now; undefined: nothing any more. */
  readonly rulesOf: (service: string, surroundings: Surroundings) => Rules | undefined;
  /** Called after the kernel has what changed. @param services undefined: all */
  readonly written: (services: ReadonlySet<string> | undefined) => Promise<void>;
}

export class Proxier {
  readonly #options: ProxierOptions;
  readonly #table: Table;
  readonly #label: string;
  #dirty = new Set<string>();
  /** What services' rules were made for; undefined: everything has to be written. */
  #written: string | undefined;
  #lastFull = 0;
  #lastRun = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  /** The next run, if there is one to come. */
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;
  #stopped = false;
  /** Whether something changed while rules were being written. */
  #again = false;

  constructor(options: ProxierOptions) {
    this.#options = options;
    this.#table = serviceTable(options.family);
    this.#label = options.family;
  }

  /** Something changed. @param service undefined: not a service, nor its endpoints */
  changed(service?: string): void {
    const { health, family, metrics, world } = this.#options;
    if (service !== undefined) this.#dirty.add(service);
    health.changed(family);
    metrics.queued.with(this.#label).value = world.clock.now() / 1_000;
    this.#schedule(0);
  }

  /** Writes everything for the first time. Resolves when that was tried. */
  async start(): Promise<void> {
    await this.#run();
  }

  /** @param clean whether the table is taken away */
  async stop(clean: boolean): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
    if (clean) await this.#options.nft.apply(serviceTableRemoval(this.#options.family));
  }

  /** Soon, but not before its time. */
  #schedule(afterMs: number): void {
    if (this.#running) this.#again = true;
    if (this.#stopped || this.#running) return;
    const { clock } = this.#options.world;
    const at = Math.max(clock.now() + afterMs, this.#lastRun + this.#options.minSyncMs);
    if (this.#timer && this.#timer.at <= at) return;
    this.#timer?.cancel();
    this.#timer = {
      at,
      cancel: clock.after(Math.max(0, at - clock.now()), () => void this.#run(), { background: true }),
    };
  }

  async #run(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lastRun = this.#options.world.clock.now();
    this.#again = false;
    let retryMs: number | undefined;
    this.#running = this.#sync().then((ms) => {
      retryMs = ms;
    });
    await this.#running;
    this.#running = undefined;
    this.#schedule(retryMs ?? (this.#again ? 0 : this.#table.isLittered ? SWEEP_MS : FULL_MS));
  }

  /** @returns when to try again; undefined: it went well */
  async #sync(): Promise<number | undefined> {
    const { family, nft, world, metrics, health, syncMs, surroundings, rulesOf, written } = this.#options;
    const now = world.clock.now();
    const begin = performance.now();
    await this.#sweep(now);
    const place = surroundings();
    const state = JSON.stringify(place);
    const isFull = this.#written !== state || now - this.#lastFull >= FULL_MS;
    const services = this.#dirty;
    this.#dirty = new Set();
    try {
      if (isFull) await this.#replace(place);
      else {
        const text = this.#table.change(new Map([...services].map((each) => [each, rulesOf(each, place)])), now);
        if (text !== '') await nft.apply(text);
      }
    } catch (error) {
      this.#written = undefined;
      metrics.failures.with(this.#label).inc();
      world.log.error({ family, error }, 'The rules of services could not be written');
      return syncMs;
    }
    this.#written = state;
    if (isFull) this.#lastFull = now;
    const seconds = (performance.now() - begin) / 1_000;
    metrics.sync.with(this.#label).observe(seconds);
    (isFull ? metrics.full : metrics.partial).with(this.#label).observe(seconds);
    metrics.written.with(this.#label).value = world.clock.now() / 1_000;
    health.updated(family);
    world.log.debug({ family, services: services.size, isFull, seconds }, 'The rules of services are written');
    await written(isFull ? undefined : services).catch((error: unknown) => {
      world.log.warn({ family, error }, 'Flows to endpoints that are gone could not be cleared');
    });
    return undefined;
  }

  async #replace(place: Surroundings): Promise<void> {
    const { family, nft, services, rulesOf, world } = this.#options;
    const remembered = await nft.remembered(family).catch((error: unknown) => {
      world.log.warn({ family, error }, 'The affinities of clients are lost');
      return [];
    });
    const parts = new Map<string, Rules>();
    for (const [i, service] of [...services()].entries()) {
      const rules = rulesOf(service, place);
      if (rules) parts.set(service, rules);
      if (i % SLICE === SLICE - 1) await new Promise(setImmediate);
    }
    await nft.apply(this.#table.replacement(baseRules(place), parts, remembered));
  }

  async #sweep(now: number): Promise<void> {
    const text = this.#table.sweep(now);
    if (text === '') return;
    try {
      await this.#options.nft.apply(text);
    } catch (error) {
      this.#written = undefined;
      this.#options.metrics.sweepFailures.with(this.#label).inc();
      this.#options.world.log.warn({ family: this.#options.family, error }, 'Chains of no use could not be deleted');
    }
  }
}
