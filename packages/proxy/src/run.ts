/** Runs a program, never by a shell. */
import { spawn } from 'node:child_process';

export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  /** Undefined where it could not be started or was killed. */
  readonly code: number | undefined;
  /** What it printed all the same. */
  readonly output: string;

  constructor(message: string, code: number | undefined, output = '') {
    super(message);
    this.code = code;
    this.output = output;
  }
}

const PATIENCE_MS = 60_000;
/** What of a program's complaint is kept. */
const COMPLAINT_LENGTH = 2_000;
/** Where root's programs are, whatever PATH says. */
const PLACES = '/usr/sbin:/sbin:/usr/local/sbin';

/** @returns what it printed @throws ProgramError */
export function run(program: string, args: readonly string[], input = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(program, args, {
    env: { ...process.env, PATH: `${process.env.PATH ?? '/usr/bin:/bin'}:${PLACES}` },
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(0, COMPLAINT_LENGTH);
  });
  child.stdin.on('error', () => {});
  child.once('error', (error: NodeJS.ErrnoException) => {
    reject(new ProgramError(error.code === 'ENOENT' ? `${program} is not installed` : error.message, undefined));
  });
  child.once('close', (code, signal) => {
    const printed = Buffer.concat(output).toString();
    if (code === 0) return resolve(printed);
    const message = `${program}: ${complaint.trim() || (signal ?? `exit code ${code}`)}`;
    reject(new ProgramError(message, code ?? undefined, printed));
  });
  child.stdin.end(input);
  return promise;
}
