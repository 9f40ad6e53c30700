/** What processes have used, as the kernel and Node tell. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './server.ts';

const TICKS_PER_SECOND = 100;
const MIB = 2 ** 20;

/** Seconds of CPU of all of a server's processes since they began. */
export function cpuSeconds({ processes }: Pick<Server, 'processes'>): number {
  return cpuSecondsOf(processes.map(({ pid }) => pid!));
}

export function cpuSecondsOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

export interface Memory {
  /** MiB in memory of all processes, mapped files among it. */
  readonly resident: number;
  /** MiB of it that belong to no file. */
  readonly anonymous: number;
}

export function memoryOf({ processes }: Server): Memory {
  const sum = (field: string) =>
    processes.reduce((total, { pid }) => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return total + Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
    }, 0) / MIB;
  return { resident: sum('VmRSS'), anonymous: sum('RssAnon') };
}

/**
 * What a Node.js process must be started with for {@link longestPause}. What it loads is JavaScript: reading TypeScript would
 * take 10 MiB of its memory.
 * @param file that it writes to
 */
export function pauseRecorder(file: string): Record<string, string> {
  const recorder = `${file}.mjs`;
  writeFileSync(recorder, stripTypeScriptTypes(readFileSync(new URL('pause-recorder.ts', import.meta.url), 'utf8')));
  return { NODE_OPTIONS: `--import=${recorder}`, KEELSON_BENCH_PAUSES: file };
}

/** How long the event loop stood still at most since the last call, in ms. Undefined for what is not Node.js. */
export async function longestPause({ processes, pauseFile }: Server): Promise<number | undefined> {
  if (!pauseFile) return undefined;
  rmSync(pauseFile, { force: true });
  processes[0]!.kill('SIGUSR2');
  for (let i = 0; i < 1000 && !existsSync(pauseFile); i++) await sleep(10);
  return Number(readFileSync(pauseFile, 'utf8'));
}
