import { type Clock, systemClock } from '@keelson/api/clock';
import { EmbeddedStore } from '../embedded/embedded-store.ts';
import { KeyIndex } from '../embedded/key-index.ts';
import type { Store } from '../store.ts';
import { MemoryJournal } from './memory-journal.ts';

export interface MemoryOptions {
  /** What times to live are measured by. */
  readonly clock?: Clock;
}

/** An empty store that is gone with the process. Nothing is durable. */
export function openMemoryStore({ clock = systemClock }: MemoryOptions = {}): Store {
  return new EmbeddedStore(new MemoryJournal(), new KeyIndex(), clock);
}
