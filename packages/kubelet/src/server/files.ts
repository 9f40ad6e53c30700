/** Files of a folder, for whoever may look at the node's logs: `/logs/` (Go's net/http FileServer). */
import { createReadStream, type Stats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import type http from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HttpError } from '@keelson/component/serving/server';

/**
 * Answers with a file, or with what is in a folder. Links are followed, wherever they lead.
 * @param path below the folder, decoded, with a slash at its beginning
 * @throws HttpError
 */
export async function serveFile(
  root: string,
  path: string,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  if (path.includes('\0')) throw new HttpError(404, '404 page not found\n');
  if (path.endsWith('/index.html')) return redirect(request, response, './');
  // What leads out of the folder leads back to its top.
  const file = join(root, normalize(`/${path}`).replace(/\/$/, ''));
  const found = await stat(file).catch(refused);
  const isFolder = found.isDirectory();
  const name = path.split('/').filter(Boolean).at(-1) ?? '';
  if (isFolder && !path.endsWith('/')) return redirect(request, response, `${encodeURIComponent(name)}/`);
  if (!isFolder && path.endsWith('/')) return redirect(request, response, `../${encodeURIComponent(name)}`);
  if (!isFolder) return send(file, found, request, response);
  const index = join(file, 'index.html');
  const home = await stat(index).catch(() => undefined);
  if (home?.isFile()) return send(index, home, request, response);
  return list(file, found, request, response);
}

function refused(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new HttpError(404, '404 page not found\n');
  if (error.code === 'EACCES' || error.code === 'EPERM') throw new HttpError(403, '403 Forbidden\n');
  throw new HttpError(500, '500 Internal Server Error\n');
}

function redirect({ url = '' }: http.IncomingMessage, response: http.ServerResponse, to: string): void {
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  response.writeHead(301, { location: `${to}${query}` }).end();
}

async function list(
  folder: string,
  { mtime }: Stats,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  if (isUnchanged(request, mtime)) return void response.writeHead(304).end();
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw new HttpError(500, 'Error reading directory\n');
  });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort(byBytes);
  const lines = names.map((name) => `<a href="${escaped(linkTo(name))}">${escaped(name)}</a>\n`);
  const head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n';
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'last-modified': mtime.toUTCString() });
  response.end(`${head}<pre>\n${lines.join('')}</pre>\n`);
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Relative; a colon in it is not that of a scheme. */
function linkTo(name: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':');
  return path.includes(':') ? `./${path}` : path;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};
const escaped = (text: string) => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!);

/** Whole seconds, as HTTP has them. */
function isUnchanged({ headers }: http.IncomingMessage, mtime: Date): boolean {
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return !Number.isNaN(since) && Math.floor(mtime.getTime() / 1000) * 1000 <= since;
}

async function send(
  file: string,
  { size, mtime }: Stats,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const type = await contentType(file).catch(refused);
  response.setHeader('last-modified', mtime.toUTCString());
  if (isUnchanged(request, mtime)) return void response.writeHead(304).end();
  response.setHeader('accept-ranges', 'bytes');
  const range = rangeOf(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${size}`);
    throw new HttpError(416, 'invalid range: failed to overlap\n');
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, {
    'content-type': type,
    'content-length': end - start + 1,
    ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
  });
  if (end < start) return void response.end();
  // A log that is written to meanwhile is shown as long as it was.
  await pipeline(createReadStream(file, { start, end }), response);
}

/** Of one range; several, or what cannot be read, is all of it. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return last === '0' ? 'unsatisfiable' : { start: Math.max(0, size - Number(last)), end: size - 1 };
  const [start, end] = [Number(first), last === '' ? size - 1 : Math.min(size - 1, Number(last))];
  return start >= size ? 'unsatisfiable' : end < start ? undefined : { start, end };
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.xml': 'text/xml; charset=utf-8',
};
const SNIFFED_BYTES = 512;

/** By name, else by how it begins. */
async function contentType(file: string): Promise<string> {
  const known = TYPES[extname(file).toLowerCase()];
  if (known) return known;
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    const start = buffer.subarray(0, bytesRead);
    if (start[0] === 0x1f && start[1] === 0x8b && start[2] === 8) return 'application/x-gzip';
    return start.some(isBinary) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  } finally {
    await handle.close();
  }
}

/** What no text has in it (WHATWG MIME Sniffing, binary data bytes). */
const isBinary = (byte: number) =>
  byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f);
