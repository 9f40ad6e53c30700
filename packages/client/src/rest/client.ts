/**
 * One call to the API server: credentials, rate, retries, deadline, errors. docs/client.md draws it.
 */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { TypedObject } from '@keelson/api/object';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import { type ResourceName, type ResourceTypes, resources } from '../generated/resources.ts';
import { sleep, type World } from '../world.ts';
import { errorOf, RequestTimeoutError, retryAfterSeconds, type Subject } from './errors.ts';
import { TokenBucket } from './ratelimit.ts';
import { METADATA_ONLY, ResourceClient, type ResourceDefinition } from './resource.ts';
import { Slots } from './slots.ts';
import { ConnectionError, type Method, type Transport, type WireRequest, type WireResponse } from './transport.ts';

export interface ClientOptions {
  readonly transport: Transport;
  /** The program that asks: `kube-scheduler`. */
  readonly component: string;
  readonly world: World;
  /** The server's, in metrics. */
  readonly host?: string | undefined;
  /** Bearer token, where the transport does not authenticate. */
  readonly token?: TokenSource | undefined;
  /** The Authorization header, where there is no token. */
  readonly authorization?: string | undefined;
  readonly impersonate?: Impersonation | undefined;
  /** Calls per second, and how many at once after a pause; without it there is no limit. Watches count when they begin. */
  readonly rateLimit?: { readonly qps: number; readonly burst: number } | undefined;
  /** For calls that bring no timeout of their own; watches are never timed out. */
  readonly timeoutMs?: number | undefined;
  /** Whether big answers may come compressed. */
  readonly compression?: boolean | undefined;
}

/** Where the token of each request comes from. */
export interface TokenSource {
  /** Empty: the user has none. */
  get(): Promise<string>;
  /** The server refused the last one. */
  distrust(): void;
}

export interface Impersonation {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** What every call may say besides its parameters. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the whole call, retries and waiting included. */
  readonly timeoutMs?: number | undefined;
}

export interface Call extends CallOptions {
  readonly method: Method;
  /** Path without query: `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  readonly subject: Subject;
  /** The answer is read for as long as it takes: the timeout is for its beginning alone. */
  readonly streaming?: boolean;
}

/**
 * Calls of one client that are under way at once, watches apart, for which the rest is left of the 250 streams that a server
 * takes on one connection (`--http2-max-streams-per-connection`); and fewer than fairness lets wait for one user. A controller
 * may begin hundreds in one go.
 */
const MAX_IN_FLIGHT = 200;
/** As client-go. */
const MAX_RETRIES = 10;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

export class Client {
  readonly world: World;
  readonly #options: ClientOptions;
  readonly #limiter: TokenBucket | undefined;
  readonly #slots = new Slots(MAX_IN_FLIGHT);
  readonly #headers: Readonly<Record<string, string | string[]>>;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.world = options.world;
    const { rateLimit, impersonate } = options;
    this.#limiter = rateLimit && new TokenBucket(rateLimit.qps, rateLimit.burst, options.world.clock);
    this.#headers = { 'user-agent': userAgent(options.component), ...impersonationHeaders(impersonate) };
  }

  /** A well-known resource by name (`pods`, `deployments.apps`), or any other by definition. */
  resource<N extends ResourceName>(name: N): ResourceClient<ResourceTypes[N]>;
  resource<T extends object>(definition: ResourceDefinition): ResourceClient<T>;
  resource(which: ResourceName | ResourceDefinition): ResourceClient<object> {
    return new ResourceClient(this, typeof which === 'string' ? resources[which] : which);
  }

  /** A resource of which only metadata is wanted; kind and apiVersion are those of the answer's form. */
  metadata(definition: ResourceDefinition): ResourceClient<TypedObject> {
    return new ResourceClient(this, definition, METADATA_ONLY);
  }

  /**
   * @param use reads the answer; what it returns is returned
   * @throws StatusError, ConnectionError, RequestTimeoutError, or the signal's reason
   */
  async call<R>(call: Call, use: (response: WireResponse) => Promise<R>): Promise<R> {
    const timeoutMs = call.timeoutMs ?? (call.streaming ? undefined : this.#options.timeoutMs);
    if (timeoutMs === undefined) return this.#attempts(call, call.signal, use);
    const deadline = new AbortController();
    const cancel = this.world.clock.after(timeoutMs, () => {
      deadline.abort(new RequestTimeoutError(`${call.method} ${call.path}: no answer within ${timeoutMs} ms`));
    });
    const signal = call.signal ? AbortSignal.any([call.signal, deadline.signal]) : deadline.signal;
    try {
      return await this.#attempts(call, signal, use);
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#options.transport.close();
  }

  async #attempts<R>(
    call: Call,
    signal: AbortSignal | undefined,
    use: (response: WireResponse) => Promise<R>,
  ): Promise<R> {
    for (let attempt = 0; ; attempt++) {
      await this.#patience(call, signal);
      const outcome = await this.#once(call, signal, use);
      if ('result' in outcome) return outcome.result;
      const { error, pauseMs } = outcome;
      if (pauseMs === undefined || attempt >= MAX_RETRIES) throw error;
      const longer = pauseMs > 0 ? pauseMs : this.#pause(attempt);
      this.world.log.debug({ path: call.path, attempt, pauseMs: longer, error }, 'Asking again');
      await sleep(this.world.clock, longer, signal);
    }
  }

  async #patience({ method }: Call, signal: AbortSignal | undefined): Promise<void> {
    if (!this.#limiter) return;
    const { metrics } = this.world;
    const startedAt = metrics?.seconds() ?? 0;
    await this.#limiter.take(signal);
    metrics?.waited(this.#host, method, startedAt);
  }

  get #host(): string {
    return this.#options.host ?? '';
  }

  async #send(request: WireRequest): Promise<WireResponse> {
    const { metrics } = this.world;
    const startedAt = metrics?.seconds() ?? 0;
    metrics?.sent(this.#host, request.method, request.body?.byteLength ?? 0);
    try {
      const response = await this.#options.transport.send(request);
      metrics?.called(this.#host, request.method, String(response.status), startedAt);
      return response;
    } catch (error) {
      metrics?.called(this.#host, request.method, '<error>', startedAt);
      throw error;
    }
  }

  /** @returns the error and, if the call may be made again, the pause before; 0 leaves it to the client */
  async #once<R>(
    call: Call,
    signal: AbortSignal | undefined,
    use: (response: WireResponse) => Promise<R>,
  ): Promise<{ result: R } | { error: unknown; pauseMs: number | undefined }> {
    let leave: (() => void) | undefined;
    try {
      if (!call.streaming) leave = await this.#slots.take(signal);
      const response = await this.#send(await this.#wireRequest(call, signal));
      if (response.status < 300) return { result: await use(decompressed(response)) };
      if (response.status === 401) this.#options.token?.distrust();
      const seconds = retryAfterSeconds(response);
      const error = await errorOf(decompressed(response), call.subject);
      signal?.throwIfAborted();
      return { error, pauseMs: seconds === undefined ? undefined : seconds * 1000 };
    } catch (error) {
      return { error, pauseMs: mayRepeat(error, call) ? 0 : undefined };
    } finally {
      leave?.();
    }
  }

  async #wireRequest(call: Call, signal: AbortSignal | undefined): Promise<WireRequest> {
    const { token, authorization, compression = true } = this.#options;
    const headers: Record<string, string | string[]> = { ...this.#headers, accept: call.accept ?? 'application/json' };
    const bearer = (await token?.get())?.trim();
    if (bearer) headers.authorization = `Bearer ${bearer}`;
    else if (authorization) headers.authorization = authorization;
    if (call.body) {
      headers['content-type'] = call.contentType ?? 'application/json';
      headers['content-length'] = String(call.body.byteLength);
    }
    if (compression && call.method === 'GET' && !call.streaming) headers['accept-encoding'] = 'gzip';
    return { method: call.method, path: call.path + queryOf(call.query), headers, body: call.body, signal };
  }

  /** Exponential, with jitter. */
  #pause(attempt: number): number {
    return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + this.world.random());
  }
}

/** A read may be made again; anything may that the server has not looked at. A server that is not there is the caller's affair. */
function mayRepeat(error: unknown, { method, streaming }: Call): boolean {
  if (!(error instanceof ConnectionError)) return false;
  return error.loss === 'unprocessed' || (error.loss === 'broken' && method === 'GET' && !streaming);
}

/** `?a=1&b=2`, or nothing; arrays repeat their name, what is undefined is left out. */
function queryOf(query: Readonly<Record<string, unknown>> | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  return parameters.size === 0 ? '' : `?${parameters}`;
}

function decompressed(response: WireResponse): WireResponse {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  const compressed = Readable.from(response.body, { objectMode: false });
  const gunzip = createGunzip();
  compressed.once('error', (error) => gunzip.destroy(error));
  gunzip.once('close', () => compressed.destroy());
  return { ...response, body: compressed.pipe(gunzip) };
}

/** `kube-scheduler/v1.36.2 (linux/amd64) keelson` */
function userAgent(component: string): string {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[process.arch] ?? process.arch;
  return `${component}/${KUBERNETES_VERSION.gitVersion} (${os}/${arch}) keelson`;
}

function impersonationHeaders(impersonate: Impersonation | undefined): Record<string, string | string[]> {
  if (!impersonate) return {};
  const { user, uid, groups = [] } = impersonate;
  return {
    'impersonate-user': user,
    ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
    ...(groups.length === 0 ? {} : { 'impersonate-group': [...groups] }),
  };
}
