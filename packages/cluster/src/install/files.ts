/** The files of the machine that is installed, by the paths that they have there. */
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory, readIfExists, writeFileAtomic } from '@keelson/component/files';
import type { Layout } from './layout.ts';

export interface Files {
  /** Whether anything was written. */
  readonly changed: boolean;
  /** @returns undefined where there is none */
  read(path: string): Promise<string | undefined>;
  /** Writes it whole or not at all, with its directories. @param mode permissions, for the owner alone by default */
  write(path: string, text: string, mode?: number): Promise<void>;
  /** Makes a directory with those above it. @param mode its permissions */
  makeDirectory(path: string, mode: number): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** A file, or a directory with all in it, of one that something is mounted at what is in it; nothing happens where there is none. */
  remove(path: string): Promise<void>;
  /** The names in a directory, sorted; none where there is no such directory. */
  list(path: string): Promise<string[]>;
}

const ALL = { recursive: true, force: true } as const;

/** The files as they are. */
export class DiskFiles implements Files {
  readonly #layout: Layout;
  #changed = false;
  constructor(layout: Layout) {
    this.#layout = layout;
  }
  get changed(): boolean {
    return this.#changed;
  }
  read(path: string): Promise<string | undefined> {
    return readIfExists(this.#layout.local(path));
  }
  async write(path: string, text: string, mode = 0o600): Promise<void> {
    const local = this.#layout.local(path);
    await makeDirectory(dirname(local), 0o755);
    await writeFileAtomic(local, text, mode);
    this.#changed = true;
  }
  async makeDirectory(path: string, mode: number): Promise<void> {
    await makeDirectory(dirname(this.#layout.local(path)), 0o755);
    await makeDirectory(this.#layout.local(path), mode);
  }
  async exists(path: string): Promise<boolean> {
    return (await orNothing(stat(this.#layout.local(path)))) !== undefined;
  }
  async remove(path: string): Promise<void> {
    const local = this.#layout.local(path);
    try {
      await rm(local, ALL);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      // A file system of its own stays, and is emptied (kubeadm, CleanDir).
      for (const name of await readdir(local)) await rm(join(local, name), ALL);
    }
  }
  async list(path: string): Promise<string[]> {
    return ((await orNothing(readdir(this.#layout.local(path)))) ?? []).sort();
  }
}

/** Reads what is there, and keeps what would be written in memory: a phase finds what one before it made. */
export class DryRunFiles implements Files {
  readonly #below: Files;
  readonly #written = new Map<string, string>();
  readonly #removed = new Set<string>();
  constructor(below: Files) {
    this.#below = below;
  }
  /** What would have been written, by path. */
  get written(): ReadonlyMap<string, string> {
    return this.#written;
  }
  get changed(): boolean {
    return this.#written.size > 0;
  }
  async read(path: string): Promise<string | undefined> {
    return this.#written.get(path) ?? (this.#isRemoved(path) ? undefined : this.#below.read(path));
  }
  async write(path: string, text: string): Promise<void> {
    this.#written.set(path, text);
  }
  async makeDirectory(): Promise<void> {}
  async exists(path: string): Promise<boolean> {
    const isWritten = [...this.#written.keys()].some((file) => isWithin(file, path));
    return isWritten || (!this.#isRemoved(path) && this.#below.exists(path));
  }
  async remove(path: string): Promise<void> {
    this.#removed.add(path);
    for (const written of this.#written.keys()) if (isWithin(written, path)) this.#written.delete(written);
  }
  async list(path: string): Promise<string[]> {
    const below = (await this.#below.list(path)).filter((name) => !this.#isRemoved(join(path, name)));
    const written = [...this.#written.keys()].filter((file) => dirname(file) === path);
    return [...new Set([...below, ...written.map((file) => file.slice(path.length + 1))])].sort();
  }
  #isRemoved(path: string): boolean {
    return [...this.#removed].some((removed) => isWithin(path, removed));
  }
}

const isWithin = (path: string, directory: string) => path === directory || path.startsWith(`${directory}/`);

async function orNothing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
