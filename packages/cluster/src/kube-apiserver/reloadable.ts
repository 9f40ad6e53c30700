import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Reloadable } from '@keelson/apiserver/config';
import type { Logger } from '@keelson/component/logs/logger';

/** Files that are read again when they change on disk, as cert-manager and kubelets replace them. */
export class WatchedFiles {
  /** Of each file: what is made again when it changes. */
  readonly #watched = new Map<string, { readonly listener: () => void; readonly reloads: (() => void)[] }>();
  readonly #logger: Logger;

  readonly #pollMs: number;

  /** @param pollMs how often a file is looked at */
  constructor(logger: Logger, pollMs = 2_000) {
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
    for (const path of paths) this.#watch(path, reload);
    return { get: () => value, onChange: (listener) => void listeners.push(listener) };
  }

  /** Files that others in this process watch too are still watched for them. */
  close(): void {
    for (const [path, { listener }] of this.#watched) unwatchFile(path, listener);
    this.#watched.clear();
  }

  #watch(path: string, reload: () => void): void {
    const watched = this.#watched.get(path);
    if (watched) return void watched.reloads.push(reload);
    const reloads = [reload];
    const listener = () => {
      for (const reload of reloads) reload();
    };
    this.#watched.set(path, { listener, reloads });
    watchFile(path, { interval: this.#pollMs, persistent: false }, listener);
  }
}
