import { describe, expect, it } from 'vitest';
import type { PathRequest } from './answer.ts';
import { contentAnswer } from './content.ts';

const MODIFIED = new Date('2026-03-01T12:00:00.5Z');
const AT = 'Sun, 01 Mar 2026 12:00:00 GMT';
const [BEFORE, AFTER] = ['Sun, 01 Mar 2026 11:59:59 GMT', 'Sun, 01 Mar 2026 12:00:01 GMT'];
const TEXT = '0123456789abcdefghij';

function ask(headers: PathRequest['headers'], method = 'GET') {
  const user = { name: '', uid: '', groups: [], extra: {} };
  const request = { method, path: '/', query: new URLSearchParams(), headers, user };
  const body = () => Buffer.from(TEXT);
  const content = { headers: { vary: 'Accept', 'cache-control': 'public' }, contentType: 'text/x', etag: 'e' };
  return contentAnswer(request, { ...content, modified: MODIFIED, body });
}

describe('preconditions', () => {
  it.each([
    [{}, 200],
    [{ 'if-none-match': '"e"' }, 304],
    [{ 'if-none-match': '"x", W/"e"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': 'e' }, 200],
    [{ 'if-none-match': `"x" ${' '.repeat(200_000)}!` }, 200],
    [{ 'if-none-match': '"x"' }, 200],
    [{ 'if-modified-since': AT }, 304],
    [{ 'if-modified-since': BEFORE }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
    [{ 'if-none-match': '"x"', 'if-modified-since': AFTER }, 200],
    [{ 'if-match': '"e"' }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': 'W/"e"' }, 412],
    [{ 'if-match': '"x"' }, 412],
    [{ 'if-unmodified-since': AT }, 200],
    [{ 'if-unmodified-since': BEFORE }, 412],
    [{ 'if-match': '"e"', 'if-unmodified-since': BEFORE }, 200],
  ])('%j: %i', async (headers, status) => expect((await ask(headers)).status).toBe(status));

  it('of a write, what is there already is a failure, and dates do not count', async () => {
    expect((await ask({ 'if-none-match': '"e"' }, 'POST')).status).toBe(412);
    expect((await ask({ 'if-modified-since': AFTER }, 'POST')).status).toBe(200);
  });

  it('what has not changed is told by its tag alone', async () => {
    const { headers, body } = await ask({ 'if-none-match': '"e"' });
    expect([headers, body]).toEqual([{ vary: 'Accept', 'cache-control': 'public', etag: '"e"' }, '']);
  });
});

describe('ranges', () => {
  it.each([
    ['bytes=0-4', 'bytes 0-4/20', '01234'],
    ['bytes=15-', 'bytes 15-19/20', 'fghij'],
    ['bytes=-3', 'bytes 17-19/20', 'hij'],
    ['bytes=18-99', 'bytes 18-19/20', 'ij'],
    ['bytes= 1 - 2 ,', 'bytes 1-2/20', '12'],
    ['bytes=1-2,50-', 'bytes 1-2/20', '12'],
  ])('%s', async (range, where, text) => {
    const { status, headers, body } = await ask({ range });
    expect([status, headers['content-range'], headers['content-type'], String(body)]).toEqual([
      206,
      where,
      'text/x',
      text,
    ]);
  });

  it.each([
    ['bytes=0-9', '"e"', 206],
    ['bytes=0-9', 'W/"e"', 200],
    ['bytes=0-9', '"x"', 200],
    ['bytes=0-9', AT, 206],
    ['bytes=0-9', AFTER, 200],
  ])('%s if %s: %i', async (range, condition, status) => {
    expect((await ask({ range, 'if-range': condition })).status).toBe(status);
  });

  it('several are parts of one body, unless they are more than all of it', async () => {
    const { headers, body } = await ask({ range: 'bytes=0-1,-2' });
    const [, boundary] = /^multipart\/byteranges; boundary=(\w{60})$/.exec(String(headers['content-type']))!;
    const part = (where: string, text: string) =>
      `--${boundary}\r\nContent-Range: bytes ${where}/20\r\nContent-Type: text/x\r\n\r\n${text}\r\n`;
    expect(String(body)).toBe(`${part('0-1', '01')}${part('18-19', 'ij')}--${boundary}--\r\n`);
    expect((await ask({ range: 'bytes=0-,0-' })).status).toBe(200);
  });

  it.each([
    ['bytes=20-', 'bytes */20', 'invalid range: failed to overlap\n'],
    ['bytes=5-2', undefined, 'invalid range\n'],
    ['items=0-1', undefined, 'invalid range\n'],
    ['bytes=x-1', undefined, 'invalid range\n'],
  ])('%s cannot be served', async (range, where, text) => {
    const { status, headers, body } = await ask({ range });
    expect([status, headers['content-range'], body]).toEqual([416, where, text]);
    expect(headers).toMatchObject({ vary: 'Accept', 'content-type': 'text/plain; charset=utf-8' });
    expect(headers).not.toHaveProperty('cache-control');
  });
});
