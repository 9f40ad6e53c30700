/** `/logs/`: files of the node's logs and, where that is wanted, what its services have said (NodeLogQuery). */
import { execFile, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type http from 'node:http';
import { PassThrough, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip } from 'node:zlib';
import { aggregateText } from '@keelson/api/aggregate';
import { ended } from '@keelson/component/promises';
import { HttpError } from '@keelson/component/serving/server';
import { serveFile } from './files.ts';
import { fileIn, hasOptions, type LogQuery, parseLogQuery, validateLogQuery } from './log-query.ts';

export interface NodeLogsOptions {
  /** Absolute. */
  readonly directory: string;
  /** Whether `?query=` is answered. */
  readonly queries: boolean;
  /** Of the programs that are run. */
  readonly env?: NodeJS.ProcessEnv;
}

const run = promisify(execFile);
const DEADLINE_MS = 30_000;
const MAX_UNITS_BYTES = 16 * 1024 * 1024;

/** @param path below the folder, decoded, with a slash at its beginning. @throws HttpError before anything is sent */
export async function serveNodeLogs(
  options: NodeLogsOptions,
  path: string,
  search: URLSearchParams,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const { directory, queries } = options;
  const { query, errors } = queries ? parseLogQuery(search) : { query: undefined, errors: [] };
  if (errors.length > 0) throw new HttpError(400, `${aggregateText(new Set(errors.map(String)))}\n`);
  if (!query) return serveFile(directory, path, request, response);
  if (path !== '/') throw new HttpError(406, 'path not allowed in query mode\n');
  const problems = await validateLogQuery(query, directory);
  if (problems.length > 0) throw new HttpError(406, `${aggregateText(new Set(problems.map(String)))}\n`);
  const [file] = query.files;
  if (file !== undefined) return serveFile(directory, `/${file.replaceAll('\\', '/')}`, request, response);
  return sendServices(options, query, request, response);
}

/** From the journal; of those that it does not know, files. What goes wrong is said in between, as upstream does. */
async function sendServices(
  options: NodeLogsOptions,
  query: LogQuery,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const zips = request.headers['accept-encoding'] === 'gzip';
  response.writeHead(200, {
    'content-type': 'text/plain;charset=UTF-8',
    ...(zips ? { 'content-encoding': 'gzip' } : {}),
  });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const out = zips ? createGzip({ level: constants.Z_BEST_SPEED }) : new PassThrough();
  const sending = ended(pipeline(out, response));
  try {
    const units = await unitsOf(options, signal);
    const native = query.services.filter((service) => units.includes(`${service}.service`));
    const others = query.services.filter((service) => !native.includes(service));
    if (native.length > 0) await copyJournal(options, query, native, out, signal);
    if (others.length > 0 && hasOptions(query)) {
      const what = `options present and query resolved to log files for [${others.join(' ')}]`;
      out.write(`\n${what}\ntry without specifying options\n`);
    } else for (const service of others) await copyFile(options.directory, service, out, signal);
  } finally {
    out.end();
  }
  await sending;
}

/** All that the journal knows; nothing without a journal. */
async function unitsOf({ env }: NodeLogsOptions, signal: AbortSignal): Promise<string> {
  const limits = { signal, maxBuffer: MAX_UNITS_BYTES, ...(env ? { env } : {}) };
  const listing = run('journalctl', ['--field', '_SYSTEMD_UNIT'], limits);
  return listing.then(
    ({ stdout }) => stdout,
    () => '',
  );
}

async function copyJournal(
  { env }: NodeLogsOptions,
  { options }: LogQuery,
  services: readonly string[],
  out: Writable,
  signal: AbortSignal,
): Promise<void> {
  const { sinceTime, untilTime, tailLines, boot, pattern } = options;
  const args = [
    ...['--utc', '--no-pager', '--output=short-precise'],
    ...(sinceTime === undefined ? [] : [`--since=${stamp(sinceTime)}`]),
    ...(untilTime === undefined ? [] : [`--until=${stamp(untilTime)}`]),
    ...(tailLines === undefined ? [] : ['--pager-end', `--lines=${tailLines}`]),
    ...services.map((service) => `--unit=${service}`),
    ...(pattern === undefined ? [] : [`--grep=${pattern}`]),
    ...(boot === undefined ? [] : ['--boot', String(boot)]),
  ];
  const child = spawn('journalctl', args, { signal, stdio: ['ignore', 'pipe', 'pipe'], ...(env ? { env } : {}) });
  child.stdout.pipe(out, { end: false });
  child.stderr.pipe(out, { end: false });
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => {
      if (child.pid === undefined && !boot) out.write('\nerror: journal output not available\n');
      resolve();
    });
  });
}

/** As journalctl reads it, wherever the machine is. */
const stamp = (time: number) => `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** NAME, NAME.log or NAME/NAME.log. */
async function copyFile(directory: string, service: string, out: Writable, signal: AbortSignal): Promise<void> {
  for (const name of [service, `${service}.log`, `${service}/${service}.log`]) {
    try {
      const file = await fileIn(directory, name);
      if ((await stat(file)).isDirectory()) continue;
      await pipeline(createReadStream(file), out, { end: false, signal });
      return;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') continue;
      out.write(`\nerror getting log for ${service}: ${message}\n`);
      return;
    }
  }
  out.write(`\nlog not found for ${service}\n`);
}
