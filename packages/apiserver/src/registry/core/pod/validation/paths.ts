/** Paths of files inside volumes and containers. */
import { type ErrorList, invalid, type Path } from '@keelson/api/field';

const FILE_MODE_PROBLEM = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateFileMode(mode: number | undefined, path: Path): ErrorList {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(path, mode, FILE_MODE_PROBLEM)] : [];
}

/** No `..` among its elements. */
export function validatePathNoBacksteps(target: string, path: Path): ErrorList {
  return target.split('/').includes('..') ? [invalid(path, target, "must not contain '..'")] : [];
}

/** Relative, and without backsteps. */
export function validateLocalDescendingPath(target: string, path: Path): ErrorList {
  const absolute = target.startsWith('/') ? [invalid(path, target, 'must be a relative path')] : [];
  return [...absolute, ...validatePathNoBacksteps(target, path)];
}

/** The same, and no name of the kind that atomic writers use. */
export function validateLocalNonReservedPath(target: string, path: Path): ErrorList {
  const errors = validateLocalDescendingPath(target, path);
  if (target.startsWith('..') && !target.startsWith('../'))
    errors.push(invalid(path, target, "must not start with '..'"));
  return errors;
}
