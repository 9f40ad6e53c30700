/** `metadata.generation` as kinds keep it. Before an update the registry has put the old object's generation into the new one. */
import type { TypedObject } from '@keelson/api/object';
import { equal } from '@keelson/api/patch/value';
import { semanticEqual } from './validation/fields.ts';

export function startGeneration(obj: TypedObject): void {
  obj.metadata.generation = 1;
}

/** Counts up when one of these parts of the object differs. */
export function bumpGeneration<T extends TypedObject>(obj: T, old: T, ...parts: readonly (keyof T)[]): void {
  if (parts.some((part) => !semanticEqual(obj[part], old[part])))
    obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** The same for kinds to which what is empty is not what is absent. */
export function bumpGenerationExactly<T extends TypedObject>(obj: T, old: T, part: keyof T): void {
  if (!equal(obj[part], old[part])) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
}
