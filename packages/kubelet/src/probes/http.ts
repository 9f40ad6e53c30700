/** HTTP requests of probes and hooks, as upstream makes them (k8s.io/kubernetes/pkg/probe/http). */
import http, { type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Container, HTTPGetAction } from '@keelson/api/generated/types/core/v1';
import type { IntOrString } from '@keelson/api/scalars';
import { joinHostPort } from '@keelson/component/go/net';

export interface HttpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
  /** Its beginning. */
  readonly body: string;
}

const MAX_BODY = 10 * 1024;

/** @throws Error for a port that the container does not have */
export function httpTarget(action: HTTPGetAction, container: Container, podIp: string, client: string): HttpTarget {
  const { scheme = 'HTTP', host, path = '', httpHeaders = [] } = action;
  const port = portOf(action.port, container);
  const url = `${scheme.toLowerCase()}://${joinHostPort(host || podIp, port)}${path.startsWith('/') ? '' : '/'}${path}`;
  const headers: Record<string, string | string[]> = { 'user-agent': `kube-${client}/1.36`, accept: '*/*' };
  const seen = new Set<string>();
  for (const { name, value = '' } of httpHeaders) {
    const key = name.toLowerCase();
    const before = seen.has(key) ? headers[key] : undefined;
    seen.add(key);
    if (key !== 'host' && before !== undefined) headers[key] = [before, value].flat();
    // An empty value takes a header away that is otherwise sent.
    else if (value === '' && (key === 'user-agent' || key === 'accept')) delete headers[key];
    else headers[key] = value;
  }
  return { url, headers };
}

/** A number, or the name of one of the container's ports. @throws Error */
export function portOf(port: IntOrString, { ports = [] }: Container): number {
  const named = typeof port === 'string' ? ports.find(({ name }) => name === port)?.containerPort : undefined;
  const number = named ?? Number(port);
  if (!Number.isInteger(number)) throw new Error(`couldn't find port: "${port}"`);
  if (number < 1 || number > 65535) throw new Error(`invalid port number: ${number}`);
  return number;
}

/** @throws Error with a message like that of Go's client */
export function get({ url, headers }: HttpTarget, timeoutMs: number, signal?: AbortSignal): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const secure = url.startsWith('https:');
  const fail = (error: Error) => reject(new Error(`Get "${url}": ${goNetworkError(error, url)}`, { cause: error }));
  const timeout = AbortSignal.timeout(timeoutMs);
  const options = {
    headers,
    agent: false as const,
    signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    // Whoever answers there is whom the pod's author meant.
    ...(secure ? { rejectUnauthorized: false } : {}),
  };
  const request = (secure ? httpsRequest : http.request)(url, options, (response) => {
    bodyOf(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }),
      fail,
    );
  });
  request.once('error', fail);
  request.end();
  return promise;
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAX_BODY) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY).toString();
}

/** In Go's words, which people search events for. */
function goNetworkError(error: Error, url: string): string {
  const { hostname, port } = new URL(url);
  return goDialError(error, `${hostname}:${port || (url.startsWith('https') ? 443 : 80)}`);
}

/** @param address `10.0.0.7:80` */
export function goDialError(error: Error, address: string): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  }
  const words: Record<string, string> = {
    ECONNREFUSED: `dial tcp ${address}: connect: connection refused`,
    EHOSTUNREACH: `dial tcp ${address}: connect: no route to host`,
    ENETUNREACH: `dial tcp ${address}: connect: network is unreachable`,
    ETIMEDOUT: `dial tcp ${address}: i/o timeout`,
    ECONNRESET: 'read: connection reset by peer',
  };
  return words[(error as NodeJS.ErrnoException).code ?? ''] ?? error.message;
}
