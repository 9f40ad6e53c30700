/** A request to a path that is not a resource (discovery, health, OpenAPI, metrics), and what is answered. */
import type { Readable } from 'node:stream';
import { quote } from '@keelson/api/field';
import type { UserInfo } from '../registry/strategy.ts';
import type { RequestHeaders, ResponseHeaders } from './exchange.ts';

export interface PathRequest {
  readonly method: string;
  /** Decoded, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: RequestHeaders;
  readonly user: UserInfo;
}

/** What few paths want of a request besides. */
export interface PathStream {
  /** @throws StatusError 413 */
  readonly body: () => Promise<string>;
  /** Calls back when the client has gone, or has its answer. */
  readonly onGone: (callback: () => void) => void;
}

export interface Answer<Body = Buffer | string> {
  readonly status: number;
  /** Without content-length and without what every answer gets (audit-id, the default cache-control). */
  readonly headers: ResponseHeaders;
  readonly body: Body;
}

/** One whose body may be a stream, of as many bytes as its `content-length` says. */
export type PathAnswer = Answer<Buffer | string | Readable>;

/** Undefined: the path is somebody else's. May throw StatusErrors. */
export type PathHandler = (
  request: PathRequest,
  stream: PathStream,
) => PathAnswer | undefined | Promise<PathAnswer | undefined>;

export function textAnswer(status: number, body: string): Answer {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body,
  };
}

/** A failure that nobody has a Status for. @param url as it came */
export function internalServerError(url: string, error: unknown): Answer {
  const text = `Internal Server Error: ${quote(url)}: ${error instanceof Error ? error.message : String(error)}`;
  return textAnswer(500, `${text.replace(/[&<>]/g, (character) => HTML[character]!)}\n`);
}
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** What Go's mux says for a path that nobody serves, unknown API groups among them. */
export function pageNotFound(): Answer {
  return textAnswer(404, '404 page not found\n');
}

/** A header as one string; of several only the first counts, as with Go's `Header.Get`. */
export function headerOf(headers: RequestHeaders, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
