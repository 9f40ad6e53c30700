/** Files in which a kubelet leaves what the next one has to know. */
import { open, readFile, rename } from 'node:fs/promises';

/** @returns undefined where there is none @throws Error */
export async function readStateFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaced as a whole; writes follow one another, and what is asked for while one is under way is written once. */
export class StateFile {
  readonly #path: string;
  readonly #text: () => string;
  #writing: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  /** @param text what is to be written when it comes to it */
  constructor(path: string, text: () => string) {
    this.#path = path;
    this.#text = text;
  }

  /** Resolves when what there is now is on disk. @throws Error */
  write(): Promise<void> {
    this.#waiting ??= this.#writing
      .catch(() => {})
      .then(() => {
        this.#waiting = undefined;
        this.#writing = this.#replace();
        return this.#writing;
      });
    return this.#waiting;
  }

  async #replace(): Promise<void> {
    const file = await open(`${this.#path}.new`, 'w', 0o600);
    try {
      await file.writeFile(this.#text());
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${this.#path}.new`, this.#path);
  }
}
