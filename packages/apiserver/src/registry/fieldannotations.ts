/** Annotations that carry what upstream's internal type has fields for (`KindRegistration.fieldAnnotations`). */
import type { ObjectMeta } from '@keelson/api/object';

/** @returns metadata as upstream's internal type has it: without the annotations of these names */
export function withoutFieldAnnotations(metadata: ObjectMeta, names: readonly string[] = []): ObjectMeta {
  const { annotations, ...rest } = metadata;
  if (!annotations || !names.some((name) => name in annotations)) return metadata;
  const left = Object.entries(annotations).filter(([name]) => !names.includes(name));
  return left.length > 0 ? { ...rest, annotations: Object.fromEntries(left) } : rest;
}
