import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import type { CompactionProgress, Entry } from '../embedded/journal.ts';
import { StoreUnavailableError } from '../store.ts';
import { entryCodec } from './entry-codec.ts';
import { assertIntact } from './intact.ts';

/** Raised whenever a file of before can't be read any more, or this one not by those of before: in 1 there was no log. */
const FORMAT = 2;
const READABLE = [1, FORMAT];

/** Address space, not memory or disk: the map is grown beyond it where need be. */
const MAP_BYTES = 64 * 2 ** 30;

export interface Meta extends CompactionProgress {
  readonly format: number;
}

/** The databases in the one file of a data directory. All but `meta` are keyed by revision. */
export interface Environment {
  readonly root: RootDatabase<unknown, never>;
  readonly file: string;
  /** The one key is `meta`. */
  readonly meta: Database<Meta, string>;
  readonly entries: Database<Entry, number>;
  /** Values of puts. Apart from `entries`, so that a scan of the history doesn't drag them through memory. */
  readonly values: Database<Buffer, number>;
}

/** Where LMDB keeps what a store has in a directory. */
export const databaseFile = (directory: string) => join(directory, 'keelson.mdb');

/**
 * Opens the file in a directory, making both where they are missing, and sees to it that no other store has it open.
 * @throws StoreUnavailableError
 */
export function openEnvironment(directory: string): Environment {
  const file = databaseFile(directory);
  // The library's types leave some of its options out.
  const entryOptions: RootDatabaseOptions & { name: string } = { name: 'entries', encoder: entryCodec };
  const rootOptions: RootDatabaseOptions & { txnStartThreshold: number; permissionsMode: number } = {
    encoding: 'binary',
    mapSize: MAP_BYTES,
    permissionsMode: 0o600,
    // A transaction is done when it is on disk, not before; and it is started at once, as ours are complete.
    overlappingSync: false,
    eventTurnBatching: false,
    txnStartThreshold: 1,
  };
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    assertIntact(file);
    const root = open<unknown, never>(file, rootOptions);
    const environment = {
      root,
      file,
      meta: root.openDB<Meta, string>({ name: 'meta', encoding: 'json' }),
      entries: root.openDB<Entry, number>(entryOptions),
      values: root.openDB<Buffer, number>({ name: 'values', encoding: 'binary' }),
    };
    try {
      assertAlone(environment);
      assertFormat(environment);
    } catch (error) {
      void root.close();
      throw error;
    }
    return environment;
  } catch (error) {
    throw cannotOpen(directory, error);
  }
}

/** What whoever opens a store is told, whatever it failed by. */
export function cannotOpen(directory: string, error: unknown): StoreUnavailableError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreUnavailableError(`cannot open the data directory ${directory}: ${reason}`, { cause: error });
}

/**
 * LMDB lets many processes share a file; the state this one keeps in memory does not. Whoever has read takes a slot in the
 * file's table of readers, and slots of the dead are dropped by the kernel's word (file locks), so after a
 * read of our own there must be exactly one. Of two that start at the same time, at least one sees the other.
 */
function assertAlone({ root, meta }: Environment): void {
  meta.get('meta');
  root.readerCheck();
  const [, ...readers] = root.readerList().trimEnd().split('\n');
  if (readers.length === 1) return;
  const pids = readers.map((line) => Number.parseInt(line, 10));
  const other = pids.find((pid) => pid !== process.pid);
  const user = other === undefined ? 'another store of this process' : `process ${other}`;
  throw new Error(`${user} is using it; stop it or choose another directory`);
}

function assertFormat({ meta }: Environment): void {
  const found = meta.get('meta');
  if (found && !READABLE.includes(found.format)) {
    throw new Error(`its format is ${found.format}, and this version of Keelson reads format ${FORMAT}`);
  }
  if (found?.format !== FORMAT) meta.putSync('meta', { compacted: 0, scrubbed: 0, ...found, format: FORMAT });
}
