/** What this machine can do at most, with nothing of an API server in between. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createSelfSigned } from '@keelson/cluster/pki/self-signed';
import type { Target } from '../load/connection.ts';
import { h2load } from '../load/h2load.ts';

export interface RawLimits {
  /** Answers of 0.9 KB per second of node:http2 over TLS, 8 connections × 8 streams. */
  readonly echo: number;
  /** MB per second of 40 MB answers over TLS, 2 connections. */
  readonly transfer: number;
  /** Writes of 1 KiB, each on disk before the next, per second. */
  readonly fdatasync: number;
  /** MB per second that are copied in memory in chunks of 64 KiB. */
  readonly copy: number;
}

/** @param directory on the disk that is meant */
export async function rawLimits(directory: string, seconds: number): Promise<RawLimits> {
  return { ...(await network(seconds)), fdatasync: syncRate(directory), copy: copyRate() };
}

async function network(seconds: number): Promise<{ echo: number; transfer: number }> {
  const echo = await startEcho();
  try {
    const small = await h2load({ target: echo, paths: [SMALL], connections: 8, streams: 8, seconds });
    const large = await h2load({ target: echo, paths: [LARGE], connections: 2, streams: 1, seconds });
    return { echo: small.rate, transfer: large.bytesPerSecond / 1e6 };
  } finally {
    echo.stop();
  }
}

/** What the echo server serves: 0.9 KB, and 40 MB in chunks. */
export const SMALL = '/';
export const LARGE = '/large';

export async function startEcho(): Promise<Target & { readonly processes: readonly ChildProcess[]; stop(): void }> {
  const { certificate, key } = await createSelfSigned('127.0.0.1', ['localhost'], new Date());
  const child = fork(new URL('echo-server.ts', import.meta.url), [], {
    execArgv: [],
    env: { ...process.env, BENCH_CERT: certificate, BENCH_KEY: key },
  });
  const [port] = (await once(child, 'message')) as [number];
  return { base: `https://127.0.0.1:${port}`, token: '', processes: [child], stop: () => child.disconnect() };
}

function syncRate(directory: string): number {
  const path = join(directory, 'raw');
  const file = openSync(path, 'w');
  const value = new Uint8Array(1024).fill(120);
  const start = performance.now();
  let n = 0;
  for (; performance.now() - start < 1000; n++) {
    writeSync(file, value, 0, value.length, (n % 1000) * 4096);
    fdatasyncSync(file);
  }
  closeSync(file);
  rmSync(path);
  return n;
}

function copyRate(): number {
  const from = Buffer.alloc(64 * 2 ** 20, 1);
  const to = Buffer.alloc(64 * 1024);
  const start = performance.now();
  let copied = 0;
  while (performance.now() - start < 500) {
    for (let at = 0; at < from.length; at += to.length) from.copy(to, 0, at, at + to.length);
    copied += from.length;
  }
  return copied / 1e3 / (performance.now() - start);
}
