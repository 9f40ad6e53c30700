/** `--watch-cache` and `--watch-cache-sizes` (apiserver/pkg/server/options/etcd.go). */
import { qualified } from '@keelson/api/errors';
import type { ServerConfig } from '@keelson/apiserver/config';
import type { Values } from './flags.ts';

type CacheFlags = Pick<Values, 'watch-cache' | 'watch-cache-sizes'>;

/** What keeps kube-apiserver from looking any further. */
export function cacheError(values: CacheFlags): string | undefined {
  const sizes = values['watch-cache'] ? values['watch-cache-sizes'] : [];
  return sizes.map(sizeError).find((error) => error !== undefined);
}

function sizeError(text: string): string | undefined {
  const [, size, ...more] = text.split('#');
  if (size === undefined || more.length > 0) return `invalid value of watch cache size: ${text}`;
  if (!/^[+-]?\d+$/.test(size)) return `invalid size of watch cache size: ${text}`;
  return size.startsWith('-') && Number(size) < 0 ? `watch cache size cannot be negative: ${text}` : undefined;
}

/** Sizes are no more than whether there is a cache. */
export function cachingOf(values: CacheFlags): ServerConfig['isCached'] {
  if (!values['watch-cache']) return () => false;
  const sizes = new Map(values['watch-cache-sizes'].map((text) => text.split('#') as [string, string]));
  return (resource) => {
    const size = sizes.get(qualified(resource));
    return size === undefined ? undefined : Number(size) > 0;
  };
}
