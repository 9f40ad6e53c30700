/**
 * Documents that are whole in memory, answered as Go's http.ServeContent does: after the request's preconditions and ranges
 * (RFC 9110, 13 and 14).
 *
 *     If-Match, If-Unmodified-Since ─▶ 412    If-None-Match, If-Modified-Since ─▶ 304    Range ─▶ 206, 416    else 200
 */
import { randomBytes } from 'node:crypto';
import { type Answer, headerOf, type PathAnswer, type PathRequest, textAnswer } from './answer.ts';
import type { ResponseHeaders } from './exchange.ts';
import { parseRanges, type Range } from './range.ts';

export interface Content {
  /** Of each answer that is not 416. */
  readonly headers: ResponseHeaders;
  readonly contentType: string;
  /** Whether the type is found out from the text, and so not told where there is none. */
  readonly isSniffed?: boolean;
  /** Without quotes. */
  readonly etag?: string;
  readonly modified: Date;
  /** Asked for where it is needed. */
  readonly body: () => Buffer | Promise<Buffer>;
}

/** @param whole what is answered in the place of all of it, such as the same compressed */
export async function contentAnswer(
  request: PathRequest,
  content: Content,
  whole?: (headers: ResponseHeaders) => PathAnswer | undefined,
): Promise<PathAnswer> {
  const { headers, contentType, isSniffed = false, etag, modified } = content;
  const tag = etag === undefined ? undefined : `"${etag}"`;
  const own = { ...headers, ...(tag === undefined ? {} : { etag: tag }) };
  const dated = { ...own, 'last-modified': modified.toUTCString() };
  const typed = { ...dated, 'content-type': contentType };
  const outcome = precondition(request, tag, modified);
  if (outcome === 412) return { status: 412, headers: isSniffed ? dated : typed, body: '' };
  if (outcome === 304) return { status: 304, headers: tag === undefined ? dated : own, body: '' };
  const full = { ...typed, 'accept-ranges': 'bytes' };
  const asked = hasCurrentRange(request, tag, modified) ? headerOf(request.headers, 'range') : '';
  const instead = asked === '' ? whole?.(full) : undefined;
  if (instead) return instead;
  const body = await content.body();
  const ranges = asked === '' ? [] : parseRanges(asked, body.length);
  if (ranges === 'malformed') return unsatisfied('invalid range', headers);
  if (ranges === 'beyond')
    return unsatisfied('invalid range: failed to overlap', { ...headers, 'content-range': `bytes */${body.length}` });
  if (ranges.length === 0 || ranges.reduce((sum, { length }) => sum + length, 0) > body.length)
    return { status: 200, headers: full, body };
  return { status: 206, ...partial(full, contentType, body, ranges) };
}

/** A failure is not kept by those who may keep the document. */
function unsatisfied(why: string, { 'cache-control': _, ...headers }: ResponseHeaders): Answer {
  const answer = textAnswer(416, `${why}\n`);
  return { ...answer, headers: { ...headers, ...answer.headers } };
}

/** @param tag of what is there, with quotes */
function precondition(request: PathRequest, tag: string | undefined, modified: Date): 304 | 412 | undefined {
  const { headers, method } = request;
  const isRead = method === 'GET' || method === 'HEAD';
  const [match, noneMatch] = [headerOf(headers, 'if-match'), headerOf(headers, 'if-none-match')];
  if (match !== '') {
    if (!tagsOf(match).some((each) => each === '*' || (each === tag && !isWeak(each)))) return 412;
  } else if (dateOf(headerOf(headers, 'if-unmodified-since')) < toSeconds(modified)) return 412;
  if (noneMatch !== '') {
    const isThere = tagsOf(noneMatch).some(
      (each) => each === '*' || (tag !== undefined && strong(each) === strong(tag)),
    );
    if (isThere) return isRead ? 304 : 412;
  } else if (isRead && dateOf(headerOf(headers, 'if-modified-since')) >= toSeconds(modified)) return 304;
  return undefined;
}

/** If-Range: a part is of no use beside parts of something else. */
function hasCurrentRange({ headers, method }: PathRequest, tag: string | undefined, modified: Date): boolean {
  const condition = headerOf(headers, 'if-range');
  if (condition === '' || (method !== 'GET' && method !== 'HEAD')) return true;
  const [first] = tagsOf(condition);
  if (first !== undefined) return first === tag && !isWeak(first);
  return dateOf(condition) === toSeconds(modified);
}

const ETAG = /^\s*(?:,+\s*)?(\*|(?:W\/)?"[\x21\x23-\x7e\x80-\u00ff]*")/;

/** Up to the first that is none. */
function tagsOf(list: string): string[] {
  const tags: string[] = [];
  for (let rest = list, found = ETAG.exec(rest); found; found = ETAG.exec(rest)) {
    tags.push(found[1]!);
    rest = rest.slice(found[0].length);
  }
  return tags;
}

const isWeak = (tag: string): boolean => tag.startsWith('W/');
const strong = (tag: string): string => (isWeak(tag) ? tag.slice(2) : tag);
const toSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);
/** NaN, with which nothing compares, for what is no date. */
const dateOf = (text: string): number => (text === '' ? Number.NaN : Date.parse(text) / 1000);

function partial(
  headers: ResponseHeaders,
  contentType: string,
  body: Buffer,
  ranges: readonly Range[],
): Pick<Answer, 'headers' | 'body'> {
  const bytesOf = ({ start, length }: Range) => body.subarray(start, start + length);
  const where = ({ start, length }: Range) => `bytes ${start}-${start + length - 1}/${body.length}`;
  const [only] = ranges;
  if (ranges.length === 1) return { headers: { ...headers, 'content-range': where(only!) }, body: bytesOf(only!) };
  const boundary = randomBytes(30).toString('hex');
  const parts = ranges.flatMap((range, i) => [
    Buffer.from(
      `${i === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Range: ${where(range)}\r\nContent-Type: ${contentType}\r\n\r\n`,
    ),
    bytesOf(range),
  ]);
  return {
    headers: { ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}` },
    body: Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}
