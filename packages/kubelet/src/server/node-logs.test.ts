import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { HttpError } from '@keelson/component/serving/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveNodeLogs } from './node-logs.ts';

describe('/logs/?query=', () => {
  let directory: string;
  let server: http.Server;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keelson-node-logs-'));
    const root = join(directory, 'log');
    await mkdir(join(root, 'proxy'), { recursive: true });
    await writeFile(join(root, 'sys.log'), 'from a file\n');
    await writeFile(join(root, 'proxy/proxy.log'), 'from a folder\n');
    await writeFile(join(directory, 'secret'), 'no');
    await symlink(join(directory, 'secret'), join(root, 'link'));
    // A journal that knows one unit, and says what it was asked.
    const journal = `#!/bin/sh
if [ "$1" = --field ]; then printf 'init.scope\\nkubelet.service\\n'; exit; fi
for word in "$@"; do printf '%s\\n' "$word"; done > ${directory}/asked
echo 'from the journal'
`;
    await mkdir(join(directory, 'bin'));
    await writeFile(join(directory, 'bin/journalctl'), journal, { mode: 0o755 });
    server = http.createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://x');
      const queries = request.headers['x-queries'] !== 'off';
      const env = { PATH: request.headers['x-journal'] === 'none' ? '' : `${directory}/bin:${process.env.PATH}` };
      serveNodeLogs({ directory: root, queries, env }, pathname, searchParams, request, response).catch(
        (error: HttpError) => response.writeHead(error.status ?? 500).end(error.message),
      );
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });

  const get = (path: string, headers: Record<string, string> = {}) => {
    const { port } = server.address() as AddressInfo;
    return new Promise<{ status: number; type: string | undefined; body: Buffer }>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, headers };
      const request = http.get(options, async (response) => {
        const body = Buffer.concat(await response.toArray());
        resolve({ status: response.statusCode!, type: response.headers['content-type'], body });
      });
      request.on('error', reject);
    });
  };
  const asked = async () => (await readFile(join(directory, 'asked'), 'utf8')).trim().split('\n');

  it('is answered from the journal', async () => {
    const { status, type, body } = await get('/?query=kubelet');
    expect([status, type, body.toString()]).toEqual([200, 'text/plain;charset=UTF-8', 'from the journal\n']);
    expect(await asked()).toEqual(['--utc', '--no-pager', '--output=short-precise', '--unit=kubelet']);
  });

  it('hands on what is wanted of it', async () => {
    const times = 'sinceTime=2026-01-02T03:04:05%2B01:00&untilTime=2026-01-02T03:04:05Z';
    const { body } = await get(`/?query=kubelet&${times}&tailLines=5&boot=-1&pattern=a%7Cb`);
    expect(body.toString()).toBe('from the journal\n');
    expect(await asked()).toEqual([
      '--utc',
      '--no-pager',
      '--output=short-precise',
      '--since=2026-01-02 02:04:05 UTC',
      '--until=2026-01-02 03:04:05 UTC',
      '--pager-end',
      '--lines=5',
      '--unit=kubelet',
      '--grep=a|b',
      '--boot',
      '-1',
    ]);
  });

  it('is answered in gzip', async () => {
    const { body } = await get('/?query=kubelet', { 'accept-encoding': 'gzip' });
    expect(gunzipSync(body).toString()).toBe('from the journal\n');
  });

  it.each([
    ['a file of its name', 'query=sys', 'from a file\n'],
    ['a file in a folder of its name', 'query=proxy', 'from a folder\n'],
    ['several', 'query=proxy&query=kubelet&query=sys.log', 'from the journal\nfrom a folder\nfrom a file\n'],
    ['nothing of that name', 'query=none', '\nlog not found for none\n'],
    [
      'a file, and options are for the journal',
      'query=sys&tailLines=1',
      '\noptions present and query resolved to log files for [sys]\ntry without specifying options\n',
    ],
    ['a file that is named', 'query=/sys.log', 'from a file\n'],
    ['a file that is named as elsewhere', 'query=proxy%5Cproxy.log', 'from a folder\n'],
    ['what leads out', 'query=link', '\nerror getting log for link: statat link: path escapes from parent\n'],
  ])('%s', async (_what, query, text) => {
    const { status, body } = await get(`/?${query}`);
    expect([status, body.toString()]).toEqual([200, text]);
  });

  it('does without a journal', async () => {
    const { body } = await get('/?query=kubelet', { 'x-journal': 'none' });
    expect(body.toString()).toBe('\nlog not found for kubelet\n');
  });

  it.each([
    [400, '/?query=%20', 'query: Invalid value: [" "]: query cannot be empty'],
    [400, '/?query=a&sinceTime=today', 'sinceTime: Invalid value: "today": invalid time format'],
    [
      400,
      '/?query=a&boot=x&tailLines=y',
      '[boot: Invalid value: "x": strconv.Atoi: parsing "x": invalid syntax, tailLines: Invalid value: "y": strconv.Atoi: parsing "y": invalid syntax]',
    ],
    [406, '/sys.log?query=a', 'path not allowed in query mode'],
    [406, '/?tailLines=1', 'query: Required value: cannot be empty with options'],
    [406, '/?query=a&query=b/c', 'query: Invalid value: "[b/c], [a]": cannot specify a file and service'],
    [406, '/?query=/a&query=/b', 'query: Invalid value: ["/a","/b"]: cannot specify more than one file'],
    [406, '/?query=/sys.log&boot=0', 'query: Invalid value: ["/sys.log"]: cannot specify file with options'],
    [406, '/?query=/none', 'query: Invalid value: ["/none"]: statat /none: no such file or directory'],
    [406, '/?query=./link', 'query: Invalid value: ["./link"]: statat ./link: path escapes from parent'],
    [406, '/?query=a;b', 'query: Invalid value: "a;b": input contains unsupported characters'],
    [406, '/?query=a&query=b&query=c&query=d&query=e', 'query: Too many: 5: must have at most 4 items'],
    [406, '/?query=a&boot=1', 'boot: Invalid value: 1: must be less than 1'],
    [406, '/?query=a&tailLines=100001', 'tailLines: Invalid value: 100001: must be between 0 and 100000, inclusive'],
    [406, '/?query=a&pattern=(', 'pattern: Invalid value: "(": error parsing regexp: missing closing ): `(`'],
    [
      406,
      '/?query=a&sinceTime=2026-01-02T00:00:00Z&untilTime=2026-01-01T00:00:00Z',
      'untilTime: Invalid value: "2026-01-01T00:00:00Z": must be after `sinceTime`',
    ],
  ])('%i %s', async (status, path, message) => {
    const answer = await get(path);
    expect([answer.status, answer.body.toString()]).toEqual([status, `${message}\n`]);
  });

  it('is not looked at where that is not wanted', async () => {
    const { status, body } = await get('/sys.log?query=kubelet', { 'x-queries': 'off' });
    expect([status, body.toString()]).toEqual([200, 'from a file\n']);
    expect((await get('/sys.log')).body.toString()).toBe('from a file\n');
  });
});
