/** `metadata.generation` as kinds keep it. Before an update the registry has put the old object's generation into the new one. */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { TypedObject } from '@keelson/api/object';
import { equal } from '@keelson/api/patch/value';
import type { Type } from '@keelson/api/schema';

export function startGeneration(obj: TypedObject): void {
  obj.metadata.generation = 1;
}

/**
 * Counts up when this part of the object differs.
 * @param type of the part: see semanticEqual
 */
export function bumpGeneration<T extends TypedObject>(obj: T, old: T, part: keyof T, type?: Type): void {
  if (!semanticEqual(obj[part], old[part], type)) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** The same for kinds to which what is empty is not what is absent. */
export function bumpGenerationExactly<T extends TypedObject>(obj: T, old: T, part: keyof T): void {
  if (!equal(obj[part], old[part])) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
}
