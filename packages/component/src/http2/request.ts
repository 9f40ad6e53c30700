/** What a request's header fields say, and whether they may say it (RFC 9113, section 8). */
import type { Field } from './hpack.ts';

export interface RequestHead {
  readonly method: string;
  /** Path and query as they came. */
  readonly path: string;
  /** Names in lower case, pseudo headers too; values of one name joined as Node joins them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Name, value, name, value…, without pseudo headers. */
  readonly rawHeaders: readonly string[];
  /** Of the body, as the client says; undefined where it says nothing. */
  readonly length: number | undefined;
}

const PSEUDO = new Set([':method', ':scheme', ':authority', ':path']);

/** They are about a connection of HTTP/1.1. */
const OF_CONNECTIONS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

/** Of those that say one thing the first one holds, and of `accept`, as for Go's http.Header; others are lists. */
const SINGLE = new Set(
  (
    'accept age authorization content-encoding content-language content-length content-location content-range content-type date etag ' +
    'expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards ' +
    'proxy-authorization range referer retry-after user-agent'
  ).split(' '),
);

/** RFC 9113 forbids spaces around them, too: Go's servers take them, and clients without a token say `Bearer `. */
const NO_VALUE = /[\0\r\n]/;
const NO_PSEUDO_VALUE = /^[ \t]|[ \t]$/;
const NO_NAME = /[\0-\x20A-Z\x7f-\xff:]|^$/;

/** @returns undefined where the request is malformed */
export function requestHead(fields: readonly Field[]): RequestHead | undefined {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  const rawHeaders: string[] = [];
  for (const [name, value] of fields) {
    if (NO_VALUE.test(value)) return undefined;
    if (name.startsWith(':')) {
      if (!PSEUDO.has(name) || name in headers || rawHeaders.length > 0 || NO_PSEUDO_VALUE.test(value))
        return undefined;
      headers[name] = value;
      continue;
    }
    if (!isField(name, value)) return undefined;
    rawHeaders.push(name, value);
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = known + (name === 'cookie' ? '; ' : ', ') + value;
  }
  const { ':method': method, ':path': path, ':scheme': scheme, 'content-length': length } = headers;
  if (!method || (method !== 'CONNECT' && (!path || !scheme))) return undefined;
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return undefined;
  return { method, path: path ?? '/', headers, rawHeaders, length: length === undefined ? undefined : Number(length) };
}

/** Whether they may come behind a body. */
export function areTrailers(fields: readonly Field[]): boolean {
  return fields.every(([name, value]) => isField(name, value));
}

function isField(name: string, value: string): boolean {
  return !NO_NAME.test(name) && !OF_CONNECTIONS.has(name) && (name !== 'te' || value === 'trailers');
}
