/** The files that a kubelet's settings are in: --config, and the drop-ins of --config-dir. */
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { applyMergePatch } from '@keelson/api/patch/merge';
import type { JsonObject } from '@keelson/api/patch/value';
import { readComponentConfig } from '../component-config.ts';
import { unknownFields } from '../config-fields.ts';
import { StartupError } from '../startup-error.ts';
import { KUBELET_FIELDS } from './fields.ts';

const DROP_IN = '.conf';

export interface KubeletFile<T> {
  readonly file: T;
  /** Files among the drop-ins that are none. */
  readonly skipped: readonly string[];
  /** What is wrong with files that are read all the same. */
  readonly faults: readonly { readonly path: string; readonly problem: string }[];
}

/**
 * What `path` says, then each drop-in in the order of their names, as a merge patch of what came before
 * (cmd/kubelet/app/server.go, mergeKubeletConfigurations).
 * @param path empty: there is none, as there may be no `directory`
 * @throws StartupError for files that cannot be read, or are of another kind
 */
export async function readKubeletFile<T extends object>(path: string, directory: string): Promise<KubeletFile<T>> {
  const faults: { path: string; problem: string }[] = [];
  const read = async (from: string) => {
    const object = await readComponentConfig<JsonObject>(from, 'kubelet.config.k8s.io/v1beta1', 'KubeletConfiguration');
    const problem = unknownFields(object, KUBELET_FIELDS);
    if (problem !== undefined) faults.push({ path: from, problem });
    return object;
  };
  let file: JsonObject = path === '' ? {} : await read(path);
  const found = directory === '' ? [] : await filesBelow(directory);
  const isDropIn = (each: string) => extname(each) === DROP_IN;
  for (const each of found.filter(isDropIn)) file = applyMergePatch(file, await read(each)) as JsonObject;
  return { file: file as T, skipped: found.filter((each) => !isDropIn(each)), faults };
}

/** Folders take their place among the names. @throws StartupError */
async function filesBelow(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const sorted = entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
    const files: string[] = [];
    for (const entry of sorted) {
      const path = join(directory, entry.name);
      files.push(...(entry.isDirectory() ? await filesBelow(path) : [path]));
    }
    return files;
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const { message } = error as Error;
    throw new StartupError(
      `failed to walk through kubelet dropin directory ${JSON.stringify(directory)}: ${message}`,
      'make the folder, or correct --config-dir',
    );
  }
}
