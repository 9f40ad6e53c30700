/** Requests that may take as long as they like: watches, and connections to somewhere else. */
import type { RequestContext } from '../context.ts';

const SUBRESOURCES: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

export function isLongRunning({ info }: RequestContext): boolean {
  return info.verb === 'watch' || info.verb === 'proxy' || SUBRESOURCES.has(info.subresource);
}
