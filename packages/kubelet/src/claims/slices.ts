/**
 * Takes back what drivers said that the node has, when they are not there to make good on it: pods would be stuck here
 * (wipeResourceSlices in pkg/kubelet/cm/dra/plugin/dra_plugin_manager.go).
 */
import { type Client, hasReason, sleep } from '@keelson/client';

const DELAY_MS = 30_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 5 * 60_000;

export interface SlicesOptions {
  /** Acts as the node. */
  readonly client: Client;
  readonly nodeName: string;
  /** How long a driver may be away. */
  readonly delayMs?: number | undefined;
}

export class NodeSlices {
  readonly #options: SlicesOptions;
  /** By driver; `''`: all. */
  readonly #pending = new Map<string, AbortController>();

  constructor(options: SlicesOptions) {
    this.#options = options;
  }

  /** When a kubelet starts no driver is there yet, and perhaps none comes. */
  removeAll(): void {
    this.#remove('', 0);
  }

  /** The driver is not there. What is planned already stays as it is planned. */
  removeLater(driver: string): void {
    if (!this.#pending.has(driver)) this.#remove(driver, this.#options.delayMs ?? DELAY_MS);
  }

  /** The driver is there. */
  keep(driver: string): void {
    this.#pending.get(driver)?.abort();
    this.#pending.delete(driver);
  }

  stop(): void {
    for (const pending of this.#pending.values()) pending.abort();
    this.#pending.clear();
  }

  #remove(driver: string, delayMs: number): void {
    const pending = new AbortController();
    this.#pending.set(driver, pending);
    void this.#removeAfter(driver, delayMs, pending.signal).finally(() => {
      if (this.#pending.get(driver) === pending) this.#pending.delete(driver);
    });
  }

  /** Tried until it is done or not wanted any more; never throws. */
  async #removeAfter(driver: string, delayMs: number, signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this.#options;
    const { clock, random, log } = client.world;
    const fieldSelector = `spec.nodeName=${nodeName}${driver ? `,spec.driver=${driver}` : ''}`;
    try {
      if (delayMs > 0) await sleep(clock, delayMs, signal);
      for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(LAST_RETRY_MS, pauseMs * 2)) {
        try {
          await client.resource('resourceslices.resource.k8s.io').deleteCollection({ fieldSelector });
          log.info({ fieldSelector }, 'Deleted the resource slices of drivers that are not there');
          return;
        } catch (error) {
          // Nobody serves them.
          if (hasReason(error, 'NotFound')) return;
          log.warn({ fieldSelector, error }, 'Could not delete resource slices');
        }
        await sleep(clock, pauseMs * (1 + random() / 5), signal);
      }
    } catch {
      // The driver is back, or the kubelet stops.
    }
  }
}
