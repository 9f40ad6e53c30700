/**
 * A process joined to a client's streams, whatever they are spoken in: what goes in and out, and how it ended
 * (k8s.io/kubelet/pkg/cri/streaming/remotecommand).
 */
import type http from 'node:http';
import type { Duplex, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ended, heardLater } from '@keelson/component/promises';
import type { Session, StreamOptions } from '../runtime/streams.ts';

/** The client's ends. Those that were not asked for are absent. */
export interface Remote {
  readonly stdin?: Readable | undefined;
  readonly stdout?: Writable | undefined;
  readonly stderr?: Writable | undefined;
  /** Texts of `{"Width":80,"Height":24}`. */
  readonly resize?: Readable | undefined;
  /** Resolves when the client is gone. */
  readonly gone: Promise<void>;
}

export interface Outcome {
  readonly metadata: object;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: object;
  readonly code?: number;
}

/**
 * A command's streams over a connection that is to be upgraded. When `run` is done, how it ended is told, and the connection ends.
 * @param what is going on, for the words of a failure: `executing command in container`
 */
export type ServeCommand = (
  request: http.IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: StreamOptions,
  what: string,
  run: (remote: Remote) => Promise<Outcome>,
) => Promise<void>;

/**
 * Connections to ports of a pod over one that is to be upgraded, until that is over.
 * @param pod its name, for the words of a failure
 */
export type ServePortForward = (
  request: http.IncomingMessage,
  socket: Duplex,
  head: Buffer,
  pod: string,
  dial: (port: number) => Promise<Duplex>,
) => Promise<void>;

export const SUCCESS: Outcome = { metadata: {}, status: 'Success' };

/** How a process ended, as the error stream tells since v4. */
export function outcomeOf(exitCode: number): Outcome {
  if (exitCode === 0) return SUCCESS;
  return {
    metadata: {},
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** How something ended that could not be done. @param what was being done, as the words of the failure name it */
export function failed(error: unknown, what: string): Outcome {
  const message = error instanceof Error ? error.message : String(error);
  return {
    metadata: {},
    status: 'Failure',
    reason: 'InternalError',
    message: `Internal error occurred: error ${what}: ${message}`,
    details: { causes: [{ message: `error ${what}: ${message}` }] },
    code: 500,
  };
}

/** What the error stream tells in a protocol: a status since v4, before that only failures, as texts. */
export function textOf(outcome: Outcome, protocol: string): string {
  if (/^v[45]/.test(protocol)) return JSON.stringify(outcome);
  return outcome.status === 'Success' ? '' : (outcome.message ?? '');
}

/** What the error stream of a forwarded port tells. */
export function portFailure(port: number, pod: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `error forwarding port ${port} to pod ${pod}, uid : ${reason}`;
}

/** Joins both until the process has ended and all its output has gone out, or the client is gone. @throws what the session breaks on */
export async function join(session: Session, remote: Remote): Promise<Outcome> {
  if (remote.stdin && session.stdin) {
    remote.stdin.pipe(session.stdin);
    session.stdin.on('error', () => remote.stdin!.resume());
  }
  const out = [passOut(session.stdout, remote.stdout), passOut(session.stderr, remote.stderr)];
  remote.resize?.on('data', sizes(session));
  const left = remote.gone.then(() => 'gone' as const);
  const exited = heardLater(Promise.all([session.exit, ...out]).then(([exitCode]) => exitCode));
  const result = await Promise.race([exited, left]);
  if (result === 'gone') {
    session.close();
    return SUCCESS;
  }
  return outcomeOf(result);
}

/** Resolves when all of it has gone out, or nobody is there to take it. */
async function passOut(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (!from) return;
  if (to) {
    to.on('error', () => from.resume());
    from.pipe(to);
  } else from.resume();
  await Promise.all([ended(finished(from, { writable: false })), to && ended(finished(to, { readable: false }))]);
}

/** Sizes come as JSON texts one behind the other, in pieces of any length. */
function sizes(session: Session): (chunk: Buffer) => void {
  let text = '';
  return (chunk) => {
    text += chunk.toString();
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = text.slice(0, end + 1);
      text = text.slice(end + 1);
      try {
        const { Width = 0, Height = 0 } = JSON.parse(size) as { Width?: number; Height?: number };
        session.resize(Width, Height);
      } catch {
        // No size, no change.
      }
    }
    if (text.length > 1024) text = '';
  };
}

/** What a request asks for. A terminal has no stderr of its own. */
export function streamsAsked(query: URLSearchParams): StreamOptions {
  const asks = (name: string) => query.get(name) === '1' || query.get(name) === 'true';
  const tty = asks('tty');
  return { stdin: asks('input'), stdout: asks('output'), stderr: asks('error') && !tty, tty };
}
