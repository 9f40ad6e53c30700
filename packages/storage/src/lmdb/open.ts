import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { EmbeddedStore } from '../embedded/embedded-store.ts';
import { type Store, StoreUnavailableError } from '../store.ts';
import { cannotOpen } from './environment.ts';
import { LmdbJournal } from './lmdb-journal.ts';
import { LoggedJournal } from './logged-journal.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

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
  const database = new LmdbJournal(directory);
  try {
    const log = new WriteAheadLog(join(directory, 'keelson'), database.newest);
    return new EmbeddedStore(new LoggedJournal(database, log, clock), clock);
  } catch (error) {
    void database.close();
    throw error instanceof StoreUnavailableError ? error : cannotOpen(directory, error);
  }
}
