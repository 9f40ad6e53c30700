/** Names that are seen to one after the other, again when that fails. */
import type { Clock } from '@keelson/api/clock';
import type { ClientMetrics } from '@keelson/client/metrics';
import { WorkQueue } from '@keelson/client/workqueue/queue';
import { defaultRateLimiter } from '@keelson/client/workqueue/ratelimiter';
import { type Again, runWorkers } from '@keelson/client/workqueue/workers';
import type { Logger } from '@keelson/component/logs/logger';

export interface UpkeepOptions {
  /** What the names are of: `APIService`. */
  readonly what: string;
  /** Of its queue in metrics, as upstream's controllers have them. */
  readonly name: string;
  readonly metrics?: ClientMetrics | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The first wait after a failure, and the longest; they double in between. */
  readonly firstMs?: number;
  readonly maxMs?: number;
}

/** What is done about a name; it may ask to be called again. */
type See = (name: string) => Promise<Again | undefined> | Promise<void>;

const WORKERS = 5;

export class Upkeep {
  readonly #queue: WorkQueue<string>;
  readonly #see: See;
  readonly #what: string;
  readonly #logger: Logger;
  #working: Promise<void> | undefined;

  constructor(see: See, options: UpkeepOptions) {
    const { what, name, metrics, clock, logger, ...waits } = options;
    this.#queue = new WorkQueue(
      { clock, ...(metrics ? { metrics } : {}) },
      name,
      defaultRateLimiter<string>(clock, waits),
    );
    this.#what = what;
    this.#see = see;
    this.#logger = logger;
  }

  /** Has them looked at, once each however often they are added before. */
  add(...names: readonly string[]): void {
    for (const name of names) this.#queue.add(name);
  }

  /** A second start changes nothing. */
  start(): void {
    this.#working ??= runWorkers(this.#queue, WORKERS, this.#see, {
      debug: (fields, message) => this.#logger.debug(fields, message),
      info: (fields, message) => this.#logger.info(fields, message),
      warn: (fields, message) => this.#logger.warn(fields, message),
      error: (fields) => this.#failed(fields as { item?: string; error?: unknown }),
    });
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#queue.shutDown();
    await this.#working;
  }

  #failed({ item, error }: { readonly item?: string; readonly error?: unknown }): void {
    this.#logger.warn({ what: this.#what, name: item, error: String(error) }, 'looked at again');
  }
}
