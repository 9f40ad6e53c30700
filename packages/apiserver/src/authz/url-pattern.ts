import { withoutEnd } from '@keelson/api/trim';

/** Whether a path is what policies call `/healthz`, or begins as `/healthz*` does; `*` is any (rbac, abac and audit have it alike). */
export function matchesUrl(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith('*') && path.startsWith(withoutEnd(pattern, '*')));
}
