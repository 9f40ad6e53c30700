/** Where the programs are that units run. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PathName } from '../command-lines.ts';

/**
 * Finds a program by its name: in the folder given, beside what runs now, or by the PATH; `/usr/local/bin/NAME` where
 * none of them has it.
 * @param folder empty for none
 */
export function findProgram(folder: string, path: string | undefined): PathName {
  const folders =
    folder === '' ? [...ownPrograms(), ...(path ?? '').split(':').filter((each) => each !== '')] : [folder];
  return (name) => folders.map((each) => join(each, name)).find(isExecutable) ?? join(folder || '/usr/local/bin', name);
}

/** The folder of Keelson's own commands: `bin`, in one of the folders that this file is in. */
function ownPrograms(): string[] {
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at))
    if (existsSync(join(at, 'bin/kube-apiserver'))) return [join(at, 'bin')];
  return [];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
