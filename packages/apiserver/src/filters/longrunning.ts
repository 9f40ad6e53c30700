/** Requests that may take as long as they like: watches, connections to somewhere else, and profiles. */
import type { RequestContext } from '../context.ts';

const SUBRESOURCES: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export function isLongRunning({ info }: RequestContext): boolean {
  if (info.verb === 'watch' || info.verb === 'proxy' || SUBRESOURCES.has(info.subresource)) return true;
  return !info.isResourceRequest && info.path.startsWith('/debug/pprof/');
}
