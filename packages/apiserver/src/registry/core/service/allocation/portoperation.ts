/** The node ports of one write: what it takes is given back when the write fails, what it frees is freed when it succeeds. */
import { AllocationError } from './deps.ts';
import type { NodePortAllocator } from './ports.ts';

/** Where a dry run starts to number ports. */
const DRY_RUN_BASE = 32768;

export class PortOperation {
  readonly #ports: NodePortAllocator;
  readonly #dryRun: boolean;
  readonly #taken: number[] = [];
  readonly #freed: number[] = [];

  constructor(ports: NodePortAllocator, dryRun: boolean) {
    this.#ports = ports;
    this.#dryRun = dryRun;
  }

  /** @throws AllocationError */
  async take(port: number): Promise<void> {
    if (!this.#dryRun) await this.#ports.allocate(port);
    else if (this.#taken.includes(port) || (await this.#ports.isAllocated(port)))
      throw new AllocationError('provided port is already allocated');
    this.#taken.push(port);
  }

  /** @throws AllocationError */
  async takeAny(): Promise<number> {
    const port = this.#dryRun
      ? Math.max(0, ...(this.#taken.length > 0 ? this.#taken : [DRY_RUN_BASE])) + 1
      : await this.#ports.allocateNext();
    this.#taken.push(port);
    return port;
  }

  free(...ports: number[]): void {
    this.#freed.push(...ports);
  }

  async commit(): Promise<void> {
    if (!this.#dryRun) await this.#ports.release(this.#freed);
  }

  async revert(): Promise<void> {
    if (!this.#dryRun) await this.#ports.release(this.#taken);
  }
}
