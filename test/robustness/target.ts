import type { WatchBatch } from '@keelson/storage';

/** A key as a list shows it. */
export interface Item {
  readonly value: string;
  readonly revision: number;
}

/**
 * What the robustness tests kill: a process that serves writes, and keeps them. Anything that maps these few
 * operations onto its own can be put in its place.
 */
export interface Target {
  /** Starts the process on the data that there is; resolves when it serves. */
  start(): Promise<void>;

  /** SIGKILL. Resolves when the process is gone and all that it had sent has been taken in. */
  kill(): Promise<void>;

  /**
   * Creates (`expect` 0) or updates a key, or deletes it (`value` undefined).
   * @returns the write's revision
   * @throws OutcomeUnknownError if the process died before it answered
   */
  write(key: string, value: string | undefined, expect: number): Promise<number>;

  list(): Promise<{ readonly items: ReadonlyMap<string, Item>; readonly revision: number }>;

  /** All keys' changes from a revision on; ends with the process. */
  watch(fromRevision: number, onBatch: (batch: WatchBatch) => void): Promise<void>;

  compact(revision: number): Promise<void>;

  compactedRevision(): Promise<number>;
}
