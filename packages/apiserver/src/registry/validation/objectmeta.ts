import type { ErrorList, Path } from '@keelson/api/field';
import type { ObjectMeta } from '@keelson/api/object';
export function validateObjectMeta(
  _m: ObjectMeta,
  _namespaced: boolean,
  _rule: (n: string, p: boolean) => readonly string[],
  _path: Path,
): ErrorList {
  return [];
}
export function validateObjectMetaUpdate(_m: ObjectMeta, _old: ObjectMeta, _path: Path): ErrorList {
  return [];
}
