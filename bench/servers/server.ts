/** Servers under test, however they came to run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { createServer } from 'node:net';
import type { Target } from '../load/connection.ts';

/** How a kind of server is started, again and again where need be. */
export interface ServerKind {
  /** Short: it heads a column. */
  readonly name: string;
  /** Where data is, and whether a write is on disk before its answer. */
  readonly storage: string;
  /** @param directory empty, its own */
  start(directory: string): Promise<Server>;
}

export interface Server extends Target {
  readonly kind: ServerKind;
  /** gitVersion of /version. */
  readonly version: string;
  /** From the first process's start until /readyz answered 200; undefined for a server that ran already. */
  readonly readyMs: number | undefined;
  /** All processes that make it up; empty for a server that ran already. */
  readonly processes: readonly ChildProcess[];
  /** See usage.ts. */
  readonly pauseFile?: string;
  stop(): Promise<void>;
}

export const TOKEN = 'bench-token';
export const TOKEN_FILE = `${TOKEN},bench,bench,"system:masters"\n`;

const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill('SIGKILL');
    process.exit(1);
  });
}

/** Ends with this process. */
export function launch(
  command: string,
  args: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } });
  closeSync(log);
  running.add(child);
  child.on('exit', () => running.delete(child));
  child.on('error', () => {});
  return child;
}

/**
 * Asks on one connection, as soon as there can be one: handshakes would keep the server from getting ready.
 * @throws Error with the end of the log when the process ends before it is ready, or is not in three minutes
 */
export async function untilReady(base: string, child: ChildProcess, logFile: string): Promise<void> {
  const end = performance.now() + 180_000;
  let session: http2.ClientHttp2Session | undefined;
  try {
    while (performance.now() < end && child.exitCode === null && child.pid !== undefined) {
      if (!session || session.destroyed) session = connect(base);
      const { status } = await get(session, TOKEN, '/readyz').catch(() => ({ status: 0 }));
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    session?.destroy();
  }
  throw new Error(`${child.spawnfile} did not get ready:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
}

/** One GET on a connection of its own. */
export async function ask({ base, token }: Target, path: string): Promise<{ status: number; body: string }> {
  const session = connect(base);
  try {
    return await get(session, token, path);
  } finally {
    session.destroy();
  }
}

function connect(base: string): http2.ClientHttp2Session {
  const session = http2.connect(base, { rejectUnauthorized: false });
  // Its requests fail, too, and tell.
  session.on('error', () => {});
  return session;
}

function get(
  session: http2.ClientHttp2Session,
  token: string,
  path: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, authorization: `Bearer ${token}` });
    let status = 0;
    let body = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (text: string) => {
      body += text;
    });
    stream.on('end', () => resolve({ status, body }));
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('the connection was closed')));
  });
}

export async function versionOf(target: Target): Promise<string> {
  const { body } = await ask(target, '/version');
  return (JSON.parse(body) as { gitVersion: string }).gitVersion;
}

export async function stopAll(processes: readonly ChildProcess[]): Promise<void> {
  for (const child of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(killer);
  }
}

/** A port that nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
