/** What load generators are told and what they answer; both cross a process boundary as JSON. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Target } from './connection.ts';

/** In `path` and `body`, `{i}` is the number of the request's object, `{n}` that of the request. */
export interface Template {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of many requests by several templates, how many are by this one. */
  readonly weight?: number;
}

/** Requests, as fast as the server answers or at a rate. Every answer but a 2xx is an error. */
export interface RequestJob {
  readonly kind: 'requests';
  readonly target: Target;
  readonly templates: readonly Template[];
  readonly count: number;
  /** Objects are numbered from here, … */
  readonly from?: number;
  /** … one after the other, or as often as need be below this number, in an order that looks random. */
  readonly below?: number;
  readonly connections: number;
  readonly streams: number;
  /** Per second: requests then begin when it is time, and their latency counts from there. */
  readonly rate?: number;
}

/** Watches, and writes that each of them sees. */
export interface WatchJob {
  readonly kind: 'watches';
  readonly target: Target;
  readonly connections: number;
  /** Watches on each connection. */
  readonly streams: number;
  readonly path: string;
  /** The form that watchers ask for; JSON where absent. */
  readonly accept?: string;
  /** Each write's object contains `#<number of the write>#` somewhere. */
  readonly write: Template;
  readonly writes: number;
  /** Writes before them, which are awaited and not measured. */
  readonly warmUp?: number;
  /** Writes in flight, or … */
  readonly writers: number;
  /** … writes per second. */
  readonly rate?: number;
  /** How many watches see a write; all where absent. */
  readonly expected?: number;
  /** The server's processes, whose CPU time is asked for. */
  readonly pids?: readonly number[];
}

/** Clients that list everything and then watch: what many restarted controllers do. */
export interface InformerJob {
  readonly kind: 'informers';
  readonly target: Target;
  readonly clients: number;
  readonly path: string;
  /** The form that they ask for; JSON where absent. */
  readonly accept?: string;
  /** Whether they watch from the state on, without a list. */
  readonly streams?: boolean;
}

export type Job = RequestJob | WatchJob | InformerJob;

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface JobResult {
  readonly seconds: number;
  /** Answers, deliveries or clients. */
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds. */
  readonly latency: Percentiles;
  readonly protocol: string;
  /** Seconds of CPU from the first write to the last delivery: of the server, and of what makes the load. */
  readonly cpu?: { readonly server: number; readonly load: number };
}

/** Runs a job in a process of its own. @throws Error for what went wrong there, answers that are no 2xx among it */
export async function run(job: Job): Promise<JobResult> {
  const child: ChildProcess = fork(new URL('generator.ts', import.meta.url), [], { execArgv: [] });
  const exit = once(child, 'exit');
  const answer = once(child, 'message') as Promise<[{ result?: JobResult; error?: string }]>;
  child.send(job);
  const [message] = await Promise.race([
    answer,
    exit.then(([code]) => [{ error: `the generator exited with ${code}` }]),
  ]);
  child.disconnect();
  await exit;
  const { result, error } = message as { result?: JobResult; error?: string };
  if (!result) throw new Error(error);
  return result;
}

/** @param samples in any order */
export function percentiles(samples: Float64Array): Percentiles {
  samples.sort();
  const at = (share: number) => samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: samples.at(-1) ?? 0 };
}
