import { execFileSync } from 'node:child_process';
import os from 'node:os';

/** What figures depend on, and a reader wants to know. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** Of the directory that holds the data. */
  readonly filesystem: string;
  readonly node: string;
}

export function machineOf(directory: string): Machine {
  return {
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    filesystem: output('df', ['--output=fstype', directory]).split('\n')[1] ?? 'unknown',
    node: process.version,
  };
}

function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
