import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A port of the loopback address that was free a moment ago. It is below those that Linux gives to connections (from 32768 on),
 * of which one could take it before the program that it is for does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A program under test. */
export interface Program {
  readonly pid: number;
  /** All it wrote so far, both streams. */
  output(): string;
  /** Resolves to the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Sends a signal (SIGTERM if none is named) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** With which the kernel kills a program when the thread that started it is gone, be it by SIGKILL (util-linux; Linux alone). */
const SETPRIV = '/usr/bin/setpriv';
const bound: readonly string[] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig=KILL', '--'] : [];

/** Starts a program; it is killed when the test process ends. */
export function startProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const [file, ...words] = [...bound, command, ...args];
  const child = spawn(file!, words, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exited = ended(child);
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void exited.finally(() => process.removeListener('exit', kill));
  return {
    pid: child.pid ?? -1,
    output: () => Buffer.concat(chunks).toString(),
    exited,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal!));
  });
}

/** Waits for the end. @returns all output. @throws Error with it, named after the command, where the exit code is not 0 */
export async function outputOf(program: Program, command: string): Promise<string> {
  const code = await program.exited;
  if (code !== 0) throw new Error(`${command}: ${code}\n${program.output()}`);
  return program.output();
}

/** An answer that takes longer comes from nobody who is ready, or from somebody else who has got the port. */
const PATIENCE_MS = 10_000;

/** Asks again and again until `ready` says true. @throws Error with the program's output when it ends or takes too long */
export async function untilReady(program: Program, ready: () => Promise<boolean>, seconds = 30): Promise<void> {
  let over = false;
  void program.exited.finally(() => {
    over = true;
  });
  for (const end = Date.now() + seconds * 1000; Date.now() < end && !over; ) {
    if (await Promise.race([ready().catch(() => false), sleep(PATIENCE_MS, false, { ref: false })])) return;
    await sleep(20);
  }
  throw new Error(`${over ? 'ended' : 'not ready'}:\n${program.output()}`);
}
