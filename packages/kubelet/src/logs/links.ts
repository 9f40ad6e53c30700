/**
 * Links to logs of containers, where collectors of logs look for them: `POD_NAMESPACE_CONTAINER-ID.log` (pkg/kubelet/kuberuntime/legacy.go).
 */
import { mkdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import { namesIn } from '@keelson/component/files';

const SUFFIX = '.log';
const MAX_NAME = 255;

export class LogLinks {
  readonly #directory: string;

  /** @param directory `/var/log/containers`; it is made with the first link */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A log that is not there is not linked to. @throws Error of the file system */
  async link({ name, namespace }: ObjectMeta, container: string, id: string, log: string): Promise<void> {
    if (!(await isThere(log))) return;
    const file = `${name}_${namespace}_${container}-${id}`.slice(0, MAX_NAME - SUFFIX.length);
    await mkdir(this.#directory, { recursive: true });
    await symlink(log, join(this.#directory, `${file}${SUFFIX}`)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }

  /** Removes links whose log is gone. That of a container that runs is only being moved away. */
  async removeDangling(runs: (id: string) => boolean): Promise<void> {
    for (const file of await namesIn(this.#directory)) {
      const path = join(this.#directory, file);
      const id = /-([^-]+)\.log$/.exec(file)?.[1];
      if (id === undefined || runs(id) || (await isThere(path))) continue;
      await rm(path, { force: true });
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
