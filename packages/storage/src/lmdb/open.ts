import { type Clock, systemClock } from '../clock.ts';
import { EmbeddedStore } from '../embedded/embedded-store.ts';
import type { Store } from '../store.ts';
import { LmdbJournal } from './lmdb-journal.ts';

export interface LmdbOptions {
  /** The directory of the data; made where it is missing. One store at a time may have it open. */
  readonly directory: string;
  /** What times to live are measured by. */
  readonly clock?: Clock;
}

/**
 * A store in a directory of this machine.
 * @throws StoreUnavailableError if it can't be opened, or is open already
 */
export function openLmdbStore({ directory, clock = systemClock }: LmdbOptions): Store {
  return new EmbeddedStore(new LmdbJournal(directory), clock);
}
