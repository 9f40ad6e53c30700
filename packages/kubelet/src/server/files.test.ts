import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { HttpError } from '@keelson/component/serving/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveFile } from './files.ts';

const CHANGED = new Date('2026-01-01T00:00:00Z');

describe('serveFile', () => {
  let directory: string;
  let server: http.Server;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keelson-files-'));
    const root = join(directory, 'log');
    await mkdir(join(root, 'pods/a b'), { recursive: true });
    await mkdir(join(root, 'home'));
    await writeFile(join(directory, 'secret'), 'no');
    await writeFile(join(root, 'sys.log'), '0123456789');
    await writeFile(join(root, 'old.log.1'), gzipSync('old'));
    await writeFile(join(root, 'binary'), Buffer.from([1, 2, 3]));
    await writeFile(join(root, 'x<&:y'), '');
    await writeFile(join(root, 'home/index.html'), '<p>');
    await symlink(join(directory, 'secret'), join(root, 'link'));
    await utimes(join(root, 'sys.log'), CHANGED, CHANGED);
    server = http.createServer((request, response) => {
      const { pathname } = new URL(request.url!, 'http://x');
      serveFile(root, decodeURIComponent(pathname), request, response).catch((error: HttpError) => {
        response.writeHead(error.status ?? 500).end(error.message);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  const get = async (path: string, headers: Record<string, string> = {}) => {
    const { port } = server.address() as AddressInfo;
    return new Promise<{ status: number; headers: http.IncomingHttpHeaders; body: string }>((resolve, reject) => {
      http
        .get({ host: '127.0.0.1', port, path, headers }, (response) => {
          let body = '';
          response
            .on('data', (chunk) => (body += chunk))
            .on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
        })
        .on('error', reject);
    });
  };

  it('lists a folder', async () => {
    const { status, headers, body } = await get('/');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toBe(
      '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="binary">binary</a>\n<a href="home/">home/</a>\n<a href="link">link</a>\n<a href="old.log.1">old.log.1</a>\n<a href="pods/">pods/</a>\n<a href="sys.log">sys.log</a>\n<a href="./x%3C%26:y">x&lt;&amp;:y</a>\n</pre>\n',
    );
    expect((await get('/pods/')).body).toContain('<a href="a%20b/">a b/</a>');
    expect((await get('/home/')).body).toBe('<p>');
  });

  it.each([
    ['/pods?x=1', 'pods/?x=1'],
    ['/pods/a%20b', 'a%20b/'],
    ['/sys.log/', '../sys.log'],
    ['/home/index.html', './'],
  ])('%s is at another place', async (path, location) =>
    expect(await get(path)).toMatchObject({ status: 301, headers: { location } }),
  );

  it.each([
    ['/sys.log', {}, 200, '0123456789', 'text/plain; charset=utf-8'],
    ['/sys.log', { range: 'bytes=2-4' }, 206, '234', 'text/plain; charset=utf-8'],
    ['/sys.log', { range: 'bytes=-3' }, 206, '789', 'text/plain; charset=utf-8'],
    ['/sys.log', { range: 'bytes=8-' }, 206, '89', 'text/plain; charset=utf-8'],
    ['/sys.log', { range: 'bytes=10-' }, 416, 'invalid range: failed to overlap\n', undefined],
    ['/sys.log', { 'if-modified-since': CHANGED.toUTCString() }, 304, '', undefined],
    ['/binary', {}, 200, '\x01\x02\x03', 'application/octet-stream'],
    ['/link', {}, 200, 'no', 'text/plain; charset=utf-8'],
    ['/none', {}, 404, '404 page not found\n', undefined],
    ['/..%2fsecret', {}, 404, '404 page not found\n', undefined],
    ['/pods/..%2f..%2f..%2fsecret', {}, 404, '404 page not found\n', undefined],
  ])('%s with %j', async (path, headers, status, body, type) => {
    const answer = await get(path, headers);
    expect([answer.status, answer.body, answer.headers['content-type']]).toEqual([status, body, type]);
  });

  it('knows what is compressed', async () =>
    expect((await get('/old.log.1')).headers['content-type']).toBe('application/x-gzip'));
});
