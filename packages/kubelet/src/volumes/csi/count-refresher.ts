/** Asks drivers again how many volumes the node can have, as often as they want that (pkg/volume/csi/csi_node_updater.go). */
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import type { World } from '@keelson/client';
import type { DriverRegistry } from './registry.ts';

export interface CountRefresherOptions {
  readonly world: World;
  readonly drivers: Pick<DriverRegistry, 'has' | 'refresh'>;
  csiDriver(name: string): CSIDriver | undefined;
}

interface Round {
  readonly seconds: number;
  cancel(): void;
}

export class CountRefresher {
  readonly #options: CountRefresherOptions;
  readonly #rounds = new Map<string, Round>();

  constructor(options: CountRefresherOptions) {
    this.#options = options;
  }

  /** The driver came or went, or the cluster was told something else of it. */
  look(name: string): void {
    const { drivers, csiDriver } = this.#options;
    const seconds = drivers.has(name) ? (csiDriver(name)?.spec.nodeAllocatableUpdatePeriodSeconds ?? 0) : 0;
    const round = this.#rounds.get(name);
    if ((round?.seconds ?? 0) === seconds) return;
    round?.cancel();
    this.#rounds.delete(name);
    if (seconds > 0) this.#begin(name, seconds);
  }

  stop(): void {
    for (const { cancel } of this.#rounds.values()) cancel();
    this.#rounds.clear();
  }

  #begin(name: string, seconds: number): void {
    const { world, drivers } = this.#options;
    const round: Round = { seconds, cancel: () => {} };
    this.#rounds.set(name, round);
    const next = () => {
      if (this.#rounds.get(name) !== round) return;
      round.cancel = world.clock.after(seconds * 1000, () => void refresh(), { background: true });
    };
    const refresh = async () => {
      await drivers
        .refresh(name)
        .catch((error) => world.log.error({ driver: name, error }, 'How many volumes it can have was not told'));
      next();
    };
    next();
  }
}
