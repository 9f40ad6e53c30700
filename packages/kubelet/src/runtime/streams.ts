/** Processes in containers, and connections into sandboxes. How these come over the wire is the server's affair. */
import type { Duplex, Readable, Writable } from 'node:stream';

export interface ExecResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exitCode: number;
}

export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never together with `tty`. */
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ExecOptions extends StreamOptions {
  readonly command: readonly string[];
}

/** A process, or a container's main one, that somebody is connected to. Streams that were not asked for are absent. */
export interface Session {
  readonly stdin?: Writable | undefined;
  readonly stdout?: Readable | undefined;
  readonly stderr?: Readable | undefined;
  /** Of the terminal, in characters. */
  resize(width: number, height: number): void;
  /** Resolves with the exit code when the process has ended and its output is read; of an attached one with 0 when it is left. */
  readonly exit: Promise<number>;
  /** Leaves the process to itself. */
  close(): void;
}

export interface Streams {
  /**
   * Runs a command to its end.
   * @param timeoutMs 0 for as long as it takes
   * @throws RuntimeError `DeadlineExceeded` after the timeout
   */
  execSync(containerId: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;
  /** @throws RuntimeError where the command cannot be started */
  exec(containerId: string, options: ExecOptions): Promise<Session>;
  attach(containerId: string, options: StreamOptions): Promise<Session>;
  /** One connection to a port of the sandbox. @throws RuntimeError where nobody listens */
  portForward(sandboxId: string, port: number): Promise<Duplex>;
}
