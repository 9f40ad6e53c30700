/** h2load of nghttp2: where it can make the load, it does. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Target } from './connection.ts';
import { type Percentiles, percentiles } from './job.ts';

export interface H2LoadOptions {
  readonly target: Target;
  /** Taken in turn. */
  readonly paths: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes each request a POST. */
  readonly body?: string;
  readonly connections: number;
  readonly streams: number;
  /** How many requests, or … */
  readonly count?: number;
  /** … how long, after a second of warm-up. */
  readonly seconds?: number;
}

export interface H2LoadResult {
  /** Answers per second. */
  readonly rate: number;
  /** All of them, those of the warm-up too. */
  readonly answers: number;
  /** Milliseconds. */
  readonly latency: Percentiles;
  readonly bytesPerSecond: number;
  readonly protocol: string;
}

/** @throws Error that says where it is to be had */
export function h2loadVersion(): string {
  try {
    return execFileSync('h2load', ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error(
      'h2load is not there: install it (Debian, Ubuntu: apt-get install nghttp2-client; macOS: brew install nghttp2)',
    );
  }
}

const WARM_UP_SECONDS = 1;

/** @throws Error for any answer that is no 2xx */
export async function h2load(options: H2LoadOptions): Promise<H2LoadResult> {
  const { target, paths, headers = {}, body, connections, streams, count, seconds } = options;
  const directory = mkdtempSync(join(tmpdir(), 'keelson-h2load-'));
  const file = (name: string) => join(directory, name);
  try {
    writeFileSync(file('uris'), `${paths.map((path) => target.base + path).join('\n')}\n`);
    if (body !== undefined) writeFileSync(file('body'), body);
    const all = { authorization: `Bearer ${target.token}`, ...headers };
    const { stdout } = await promisify(execFile)(
      'h2load',
      [
        ...['-c', String(connections), '-m', String(streams), '-i', file('uris'), '--log-file', file('log')],
        ...Object.entries(all).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
        ...(body === undefined ? [] : ['-d', file('body')]),
        ...(count === undefined
          ? ['-D', String(seconds), '--warm-up-time', String(WARM_UP_SECONDS)]
          : ['-n', String(count)]),
      ],
      { maxBuffer: 1 << 26 },
    );
    checkAnswers(stdout, paths[0]!);
    const rate = number(stdout, /finished in .*?, ([\d.]+) req\/s/);
    return {
      rate,
      answers: count ?? rate * (seconds! + WARM_UP_SECONDS),
      latency: latenciesOf(readFileSync(file('log'), 'latin1')),
      bytesPerSecond: bytes(stdout),
      protocol: [/TLS Protocol: (.*)/, /Cipher: (.*)/].map((line) => line.exec(stdout)?.[1] ?? '?').join(' '),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function checkAnswers(output: string, path: string): void {
  const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(output);
  const [good, ...bad] = (codes ?? []).slice(1).map(Number);
  const failed = number(output, /(\d+) failed/);
  if (!good || bad.some((n) => n > 0) || failed > 0) throw new Error(`h2load of ${path}:\n${output}`);
}

/** Lines of: start in µs, status, duration in µs. */
function latenciesOf(log: string): Percentiles {
  const lines = log.trimEnd().split('\n');
  return percentiles(Float64Array.from(lines, (line) => Number(line.slice(line.lastIndexOf('\t') + 1)) / 1000));
}

function number(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? Number.NaN);
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

function bytes(output: string): number {
  const [, value, unit] = /req\/s, ([\d.]+)(B|KB|MB|GB)\/s/.exec(output) ?? [];
  return Number(value) * (UNITS[unit ?? ''] ?? Number.NaN);
}
