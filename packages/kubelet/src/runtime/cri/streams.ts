/** Processes that somebody is connected to: the runtime's own streaming server is asked, over SPDY, by the address it gave. */
import http from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { heardLater } from '@keelson/component/promises';
import { SpdySession, type SpdyStream } from '@keelson/component/spdy/session';
import { RuntimeError } from '../runtime.ts';
import type { Session, StreamOptions } from '../streams.ts';

const COMMAND = 'v4.channel.k8s.io';
const PORT_FORWARD = 'portforward.k8s.io';

/** @throws RuntimeError when the streams do not come about */
export async function openCommand(url: string, wanted: StreamOptions): Promise<Session> {
  const session = await dial(url, COMMAND);
  const open = (streamtype: string, asked = true) => (asked ? session.open({ streamtype }) : undefined);
  try {
    const error = (await open('error'))!;
    const stdin = await open('stdin', wanted.stdin);
    const stdout = await open('stdout', wanted.stdout);
    const stderr = await open('stderr', wanted.stderr);
    const resize = await open('resize', wanted.tty);
    const exit = heardLater(exitCodeOf(error, [stdout, stderr]).finally(() => session.close()));
    return {
      stdin,
      stdout,
      stderr,
      resize: (width, height) => void resize?.write(JSON.stringify({ Width: width, Height: height })),
      exit,
      close: () => session.close(),
    };
  } catch (error) {
    session.close();
    throw new RuntimeError('Failed', `unable to open streams: ${(error as Error).message}`, error);
  }
}

/** How it ended, when its output has come to its end, too. */
async function exitCodeOf(error: SpdyStream, out: readonly (SpdyStream | undefined)[]): Promise<number> {
  const ended = out.map(
    (stream) => stream && new Promise<void>((resolve) => stream.once('end', resolve).once('close', resolve)),
  );
  const message = await text(error);
  await Promise.all(ended);
  if (message === '') return 0;
  let status: {
    status?: string;
    message?: string;
    reason?: string;
    details?: { causes?: { reason?: string; message?: string }[] };
  };
  try {
    status = JSON.parse(message) as typeof status;
  } catch {
    throw new RuntimeError('Failed', message);
  }
  if (status.status === 'Success') return 0;
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (status.reason === 'NonZeroExitCode' && code !== undefined) return Number(code);
  throw new RuntimeError('Failed', status.message ?? message);
}

/** One connection to a port. @throws RuntimeError where nobody listens */
export async function openPort(url: string, port: number): Promise<Duplex> {
  const session = await dial(url, PORT_FORWARD);
  const open = (streamtype: string) => session.open({ streamtype, port: String(port), requestid: '0' });
  const [error, data] = [await open('error'), await open('data')];
  error.end();
  const problem = text(error);
  data.once('close', () => session.close());
  problem.then(
    (message) => message !== '' && data.destroy(new RuntimeError('Failed', message)),
    () => {},
  );
  return data;
}

function dial(url: string, protocol: string): Promise<SpdySession> {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol };
    const request = http.request(url, { method: 'POST', headers });
    request.once('error', (error) => reject(new RuntimeError('Unavailable', error.message, error)));
    request.once('response', (answer) => {
      text(answer).then((body) => reject(new RuntimeError('Failed', `unable to upgrade connection: ${body}`)), reject);
    });
    request.once('upgrade', (_, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(new SpdySession(socket, { role: 'client' }));
    });
    request.end();
  });
}
