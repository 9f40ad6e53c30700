/** Files in which a kubelet leaves what the next one has to know. */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { replaceFile } from '@keelson/component/files';
import { ended } from '@keelson/component/promises';

/** All at once, and on disk before it resolves: nothing runs with what the next kubelet would not know. @throws Error */
export async function replaceStateFile(path: string, text: string): Promise<void> {
  await replaceFile(path, text);
  const folder = await open(dirname(path), 'r');
  await folder.sync().finally(() => folder.close());
}

/** One that is written often: writes follow one another, and what is asked for while one is under way is written once. */
export class StateFile {
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when what there is now is on disk. @param text what is to be written when it comes to it. @throws Error */
  write(text: () => string): Promise<void> {
    this.#waiting ??= ended(this.#writing).then(() => {
      this.#waiting = undefined;
      this.#writing = replaceStateFile(this.#path, text());
      return this.#writing;
    });
    return this.#waiting;
  }

  /** Resolves when nothing is written any more. */
  async idle(): Promise<void> {
    while (this.#waiting) await ended(this.#waiting);
    await ended(this.#writing);
  }
}
