/** What a workload is, and what it is given. */
import type { Server } from '../servers/server.ts';

export interface Figure {
  /** '' for the workload's one figure, else what this one is: `p99`. */
  readonly name: string;
  readonly value: number;
  readonly unit: '/s' | 'µs' | 'ms' | 's' | 'MiB' | 'MB/s';
  /** Of the first figure: how many answers the server gave in all, which its CPU time is divided by. */
  readonly answers?: number;
}

export interface Workload {
  /** As `--only` names it. */
  readonly name: string;
  /** What is done, in a line. */
  readonly what: string;
  /** How many times as good as kube-apiserver the first figure is to be. */
  readonly goal?: { readonly lmdb: number; readonly etcd?: number };
  /** Once for each server, before the first round. */
  prepare?(session: Session): Promise<void>;
  /** Once for each server and round. The first figure is the one that counts. @throws Error for any answer that is no 2xx */
  run(session: Session): Promise<readonly Figure[]>;
  /** For what is too long or too steady to be done again and again. */
  readonly once?: boolean;
  /** Left out of `--quick`. */
  readonly long?: boolean;
}

export interface Session {
  readonly server: Server;
  readonly sizes: Sizes;
  /** From 0. */
  readonly round: number;
  /** Makes a directory that is removed at the end. */
  readonly directory: () => string;
}

export interface Sizes {
  /** How long reads are measured. */
  readonly seconds: number;
  /** How many writes are. */
  readonly writes: number;
  /** Of lists. */
  readonly pods: number;
  readonly growth: readonly number[];
  /** For so long a server that has just started is left alone before its memory is looked at, … */
  readonly settleSeconds: number;
  /** … and one that was under load: some give memory back when they have had nothing to do for a minute. */
  readonly restSeconds: number;
  readonly mixedSeconds: number;
}

export const FULL: Sizes = {
  seconds: 3,
  writes: 5000,
  pods: 10_000,
  growth: [1000, 10_000, 100_000],
  settleSeconds: 15,
  restSeconds: 75,
  mixedSeconds: 60,
};
export const QUICK: Sizes = {
  seconds: 2,
  writes: 2000,
  pods: 2000,
  growth: [1000, 5000],
  settleSeconds: 3,
  restSeconds: 3,
  mixedSeconds: 10,
};

/** Less is better for times and sizes, more for rates. @returns how many times as good `ours` is */
export function ratio(unit: Figure['unit'], ours: number, theirs: number): number {
  return unit === '/s' || unit === 'MB/s' ? ours / theirs : theirs / ours;
}
