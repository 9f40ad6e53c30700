/** The files that `--config` names: one object of a kind, and durations as Go writes them. */
import { readFile } from 'node:fs/promises';
import { readYaml } from '@keelson/api/codec/yaml';
import { parseDuration } from '@keelson/component/go/duration';
import { readFault } from './data-directory.ts';
import { StartupError } from './startup-error.ts';

const REMEDY = 'correct --config';

/** @returns the object, whose fields are not looked at. @throws StartupError for a file that cannot be read, or is of another kind */
export async function readComponentConfig<T extends object>(
  path: string,
  apiVersion: string,
  kind: string,
): Promise<T> {
  try {
    const object = readYaml(await readFile(path, 'utf8')) as { kind?: string; apiVersion?: string } & T;
    if (object?.kind !== kind || object.apiVersion !== apiVersion) throw new Error(`no ${kind} of ${apiVersion}`);
    return object;
  } catch (error) {
    throw new StartupError(`cannot use ${path}: ${readFault(error)}`, REMEDY);
  }
}

/** @param text `1m30s`. @returns milliseconds @throws StartupError */
export function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new StartupError((error as Error).message, REMEDY);
  }
}
