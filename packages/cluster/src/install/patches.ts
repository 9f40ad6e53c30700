/** Patches of what init writes, from a folder of files as `kube-apiserver0+merge.yaml` (kubeadm/app/util/patches). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeYamlDocument, yamlDocuments } from '@keelson/api/codec/yaml';
import { applyJsonPatch, decodeJsonPatch } from '@keelson/api/patch/json';
import { applyMergePatch, decodeMergePatch } from '@keelson/api/patch/merge';
import { applyStrategicPatch, decodeStrategicPatch } from '@keelson/api/patch/strategic';
import { clone, type JsonObject } from '@keelson/api/patch/value';
import { typeOfKind } from '@keelson/api/schema';
import { StartupError } from '../startup-error.ts';
import type { StaticPodName } from './layout.ts';

export type PatchTarget = StaticPodName | 'kubeletconfiguration';

type PatchType = 'json' | 'merge' | 'strategic';

export interface Patch {
  /** For messages. */
  readonly file: string;
  readonly target: PatchTarget;
  readonly type: PatchType;
  readonly body: unknown;
}

const NAME =
  /^(etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubeletconfiguration)[^.+\n]*(?:(\+)(json|merge|strategic)?)?[^+]*\.(?:json|yaml)$/;

/**
 * Reads a folder's patches, in the order of their names; files of other names are left alone.
 * @throws StartupError for a folder that cannot be read, or a patch that is no YAML
 */
export async function readPatches(folder: string): Promise<Patch[]> {
  const names = await readdir(folder).catch((error: Error) => {
    throw new StartupError(`the folder of patches cannot be read: ${error.message}`, 'correct patches.directory');
  });
  const patches: Patch[] = [];
  for (const name of names.sort()) {
    const [, target, plus, type] = NAME.exec(name) ?? [];
    if (target === undefined) continue;
    const file = join(folder, name);
    if (plus !== undefined && type === undefined)
      throw new StartupError(`${file}: behind its + has to stand json, merge or strategic`, 'rename it');
    for (const body of bodiesOf(file, await readFile(file, 'utf8')))
      patches.push({ file, target: target as PatchTarget, type: (type ?? 'strategic') as PatchType, body });
  }
  return patches;
}

function bodiesOf(file: string, text: string): unknown[] {
  try {
    const values = yamlDocuments(text).map((part) => decodeYamlDocument(Buffer.from(part)).value);
    return values.filter((value) => value !== null && value !== undefined);
  } catch (error) {
    throw new StartupError(`${file} is no YAML: ${(error as Error).message}`, 'correct it');
  }
}

/** The object with the patches of its target, one after the other. @throws StartupError for one that does not apply */
export function patched(patches: readonly Patch[], target: PatchTarget, object: object): object {
  let document = clone(object) as JsonObject;
  for (const patch of patches.filter((each) => each.target === target)) {
    try {
      document = apply(patch, document);
    } catch (error) {
      throw new StartupError(`${patch.file} does not apply: ${(error as Error).message}`, 'correct it');
    }
  }
  return document;
}

function apply({ type, target, body }: Patch, document: JsonObject): JsonObject {
  if (type === 'json') return applyJsonPatch(document, decodeJsonPatch(body, true)) as JsonObject;
  // Lists of a KubeletConfiguration are replaced whole, as a merge patch replaces them.
  if (type === 'merge' || target === 'kubeletconfiguration')
    return applyMergePatch(document, decodeMergePatch(body, true)) as JsonObject;
  return applyStrategicPatch(document, clone(decodeStrategicPatch(body)), typeOfKind('', 'v1', 'Pod')!);
}
