/** Finds the sockets that plugins put into a folder (pkg/kubelet/pluginmanager/pluginwatcher). */
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '@keelson/client';
import { unless } from '@keelson/component/files';

/** Events can be lost; looking cannot. */
const RESCAN_MS = 10_000;
/** Events come in swarms. */
const SETTLE_MS = 20;

export interface PluginWatcherOptions {
  readonly directory: string;
  readonly world: World;
  /** A socket is there, or another one under the same path. */
  appeared(path: string): void;
  gone(path: string): void;
}

export class PluginWatcher {
  readonly #options: PluginWatcherOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  /** What tells a socket from another one under its path, by path. */
  #sockets: ReadonlyMap<string, string> = new Map();
  #scanning = false;
  #again = false;
  #stopped = false;
  #cancel = () => {};

  constructor(options: PluginWatcherOptions) {
    this.#options = options;
  }

  /** Resolves when what is there was told. The folder is made. @throws Error */
  async start(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o755 });
    await this.#scan();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #scanIn(ms: number): void {
    this.#cancel();
    if (!this.#stopped)
      this.#cancel = this.#options.world.clock.after(ms, () => void this.#scan(), { background: true });
  }

  async #scan(): Promise<void> {
    if (this.#scanning) {
      this.#again = true;
      return;
    }
    this.#scanning = true;
    try {
      const [sockets, directories] = [new Map<string, string>(), new Set<string>()];
      await this.#walk(this.#options.directory, sockets, directories);
      if (this.#stopped) return;
      for (const [path, watcher] of this.#watchers) {
        if (directories.has(path)) continue;
        watcher.close();
        this.#watchers.delete(path);
      }
      const before = this.#sockets;
      this.#sockets = sockets;
      for (const path of before.keys()) if (!sockets.has(path)) this.#options.gone(path);
      for (const [path, identity] of sockets) if (before.get(path) !== identity) this.#options.appeared(path);
    } catch (error) {
      this.#options.world.log.warn({ error }, 'Could not look for plugins');
    } finally {
      this.#scanning = false;
      this.#scanIn(this.#again ? SETTLE_MS : RESCAN_MS);
      this.#again = false;
    }
  }

  /** A folder is watched before it is read: what comes in between causes another scan. */
  async #walk(directory: string, sockets: Map<string, string>, directories: Set<string>): Promise<void> {
    directories.add(directory);
    this.#watch(directory);
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        await this.#walk(path, sockets, directories).catch(ignoreMissing);
        continue;
      }
      const found = await stat(path, { bigint: true }).catch(ignoreMissing);
      if (found?.isSocket()) sockets.set(path, `${found.ino} ${found.birthtimeNs}`);
    }
  }

  #watch(directory: string): void {
    if (this.#stopped || this.#watchers.has(directory)) return;
    const watcher = watch(directory, { persistent: false }, () => {
      if (this.#scanning) this.#again = true;
      else this.#scanIn(SETTLE_MS);
    });
    watcher.on('error', () => {
      watcher.close();
      this.#watchers.delete(directory);
    });
    this.#watchers.set(directory, watcher);
  }
}

/** It went while one was looking. */
const ignoreMissing = unless('ENOENT');
