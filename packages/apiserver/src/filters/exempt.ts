import type { RequestContext } from '../context.ts';

const HEALTH_PATHS = ['/readyz', '/livez', '/healthz', '/metrics'];

/** Whoever looks after the server is heard while others are not. */
export function isAboutHealth({ info }: RequestContext): boolean {
  return HEALTH_PATHS.some((path) => info.path.startsWith(path));
}
