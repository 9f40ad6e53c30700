import { join } from 'node:path';
import { type Clock, systemClock } from '@keelson/api/clock';
import { ended } from '@keelson/component/promises';
import { EmbeddedStore } from '../embedded/embedded-store.ts';
import type { Journal } from '../embedded/journal.ts';
import { KeyIndex } from '../embedded/key-index.ts';
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
 * A store in a directory of this machine. Opening reads what it needs in pieces, between which others have turns.
 * @throws StoreUnavailableError if it can't be opened, or is open already
 */
export async function openLmdbStore({ directory, clock = systemClock }: LmdbOptions): Promise<Store> {
  const database = new LmdbJournal(directory);
  let opened: Journal = database;
  try {
    const log = await WriteAheadLog.open(join(directory, 'keelson'), database.newest);
    const journal = new LoggedJournal(database, log, clock);
    opened = journal;
    return new EmbeddedStore(journal, await KeyIndex.of(journal), clock);
  } catch (error) {
    // Why it could not be opened is what counts.
    await ended(opened.close());
    throw error instanceof StoreUnavailableError ? error : cannotOpen(directory, error);
  }
}
