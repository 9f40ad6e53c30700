import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Reloadable } from '@keelson/apiserver/config';
import type { Logger } from '@keelson/component/logs/logger';

/** Files that are read again when they change on disk, as cert-manager and kubelets replace them. */
export class WatchedFiles {
  readonly #watched = new Set<string>();
  readonly #logger: Logger;

  readonly #pollMs: number;

  /** @param pollMs how often a file is looked at */
  constructor(logger: Logger, pollMs = 5_000) {
    this.#logger = logger;
    this.#pollMs = pollMs;
  }

  /**
   * Reads files now, and again after each change. What cannot be read or decoded later is logged, and the last good
   * value stays.
   * @throws Error when the files cannot be read or decoded now
   */
  read<T>(paths: readonly string[], decode: (...texts: string[]) => T): Reloadable<T> {
    const load = () => decode(...paths.map((path) => readFileSync(path, 'utf8')));
    let value = load();
    const listeners: (() => void)[] = [];
    const reload = () => {
      try {
        value = load();
      } catch (err) {
        this.#logger.error({ err, paths }, 'Cannot reload; going on with what was read before');
        return;
      }
      this.#logger.info({ paths }, 'Reloaded');
      for (const listener of listeners) listener();
    };
    for (const path of paths) {
      this.#watched.add(path);
      watchFile(path, { interval: this.#pollMs, persistent: false }, reload);
    }
    return { get: () => value, onChange: (listener) => void listeners.push(listener) };
  }

  close(): void {
    for (const path of this.#watched) unwatchFile(path);
  }
}
