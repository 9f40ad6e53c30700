/** How a probe is made (pkg/kubelet/prober/prober.go, pkg/probe). */
import { connect } from 'node:net';
import type { Container, Probe } from '@keelson/api/generated/types/core/v1';
import { joinHostPort } from '@keelson/component/go/net';
import { expandStatic } from '../environment/expansion.ts';
import { RuntimeError } from '../runtime/runtime.ts';
import type { Streams } from '../runtime/streams.ts';
import { probeGrpc } from './grpc.ts';
import { get, goDialError, type HttpTarget, httpTarget, portOf } from './http.ts';

/** `error`: it could not be made at all, which says nothing of the container. */
export interface ProbeOutcome {
  readonly type: 'success' | 'warning' | 'failure' | 'error';
  readonly output: string;
}

export interface ProbeRequest {
  readonly spec: Probe;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

/** Never throws. */
export type RunProbe = (request: ProbeRequest) => Promise<ProbeOutcome>;

const MAX_REDIRECTS = 10;
const MAX_OUTPUT = 10 * 1024;

/** Asks a container how it is, once; what goes wrong on the way is an outcome, too. */
export function probeRunner(runtime: Pick<Streams, 'execSync'>): RunProbe {
  return async (request) => {
    try {
      return await probe(request, runtime);
    } catch (error) {
      return { type: 'error', output: (error as Error).message };
    }
  };
}

async function probe(request: ProbeRequest, runtime: Pick<Streams, 'execSync'>): Promise<ProbeOutcome> {
  const { spec, container, podIp } = request;
  const timeoutMs = (spec.timeoutSeconds ?? 1) * 1000;
  if (spec.exec) return probeExec(request, timeoutMs, runtime);
  if (spec.httpGet) return probeHttp(httpTarget(spec.httpGet, container, podIp, 'probe'), timeoutMs);
  if (spec.tcpSocket) return probeTcp(spec.tcpSocket.host || podIp, portOf(spec.tcpSocket.port, container), timeoutMs);
  if (spec.grpc) return probeGrpc(podIp, spec.grpc.service ?? '', spec.grpc.port, timeoutMs);
  throw new Error(`missing probe handler for ${container.name}`);
}

async function probeExec(
  { spec, container, containerId }: ProbeRequest,
  timeoutMs: number,
  runtime: Pick<Streams, 'execSync'>,
): Promise<ProbeOutcome> {
  const command = expandStatic(spec.exec!.command ?? [], container.env ?? []);
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, timeoutMs);
    const output = Buffer.concat([stdout, stderr]).subarray(0, MAX_OUTPUT).toString();
    return { type: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'DeadlineExceeded') throw error;
    return { type: 'failure', output: `command timed out: ${error.message}` };
  }
}

async function probeHttp(target: HttpTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const began = new URL(target.url);
  let { url } = target;
  for (let redirects = 0; ; redirects++) {
    const answer = await get({ ...target, url }, timeoutMs).catch((error: Error) => error);
    if (answer instanceof Error) return { type: 'failure', output: answer.message };
    const { status, location, body } = answer;
    if (status < 200 || status >= 400)
      return { type: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
    if (status < 300 || !location) return { type: 'success', output: body };
    const next = new URL(location, url);
    // A pod answers for itself alone.
    if (next.hostname !== began.hostname)
      return { type: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    if (redirects >= MAX_REDIRECTS) return { type: 'failure', output: `Get "${url}": stopped after 10 redirects` };
    url = next.href;
  }
}

function probeTcp(host: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  const socket = connect({ host, port });
  const address = joinHostPort(host, port);
  const end = (outcome: ProbeOutcome) => {
    socket.destroy();
    resolve(outcome);
  };
  socket.setTimeout(timeoutMs, () => end({ type: 'failure', output: `dial tcp ${address}: i/o timeout` }));
  socket.once('connect', () => end({ type: 'success', output: '' }));
  socket.once('error', (error) => end({ type: 'failure', output: goDialError(error, address) }));
  return promise;
}
