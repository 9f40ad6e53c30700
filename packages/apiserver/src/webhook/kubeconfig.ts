/**
 * A webhook that a kubeconfig names: tokens and access reviewed, audit events taken. It is asked at the path that stands in
 * the kubeconfig, as the user of its current context (k8s.io/apiserver/pkg/util/webhook/webhook.go).
 */
import { readFileSync } from 'node:fs';
import http, { type Agent, type AgentOptions } from 'node:http';
import https from 'node:https';
import { dirname, resolve } from 'node:path';
import type { Clock } from '@keelson/api/clock';
import { StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { TokenSource } from '@keelson/client/rest/client';
import { credentialsOf } from '@keelson/client/rest/credentials';
import { type ClusterConfig, parseKubeconfig } from '@keelson/client/rest/kubeconfig';
import type { TlsMaterial, TlsSource } from '@keelson/client/rest/tls';
import { isSocks, openTunnel } from '@keelson/client/rest/tunnel';
import { pause } from '@keelson/client/world';
import { formatDuration } from '@keelson/component/go/duration';
import { type Dial, dialThrough } from '../connect/dial.ts';
import { goErrorText } from '../connect/goerror.ts';
import { exchange } from './exchange.ts';
import { bodyOf } from './reply.ts';

export interface ConnectionWorld {
  readonly clock: Clock;
  /** How connections are made, where the kubeconfig names no proxy. Default: straight to the webhook. */
  readonly dial?: Dial | undefined;
}

export interface WebhookWorld extends ConnectionWorld {
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Retry {
  /** How long to wait before the second attempt; each pause is half as long again as the one before. */
  readonly firstMs: number;
  /** Which failures may be gone at the next attempt. Default: {@link isTransient}. */
  readonly when?: (error: unknown) => boolean;
  /** Ends the waiting: the last failure counts. */
  readonly signal?: AbortSignal;
}

const ATTEMPTS = 5;
const FACTOR = 1.5;
const JITTER = 0.2;
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 64;
/** What an answer may hold: reviews are small. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export class KubeconfigWebhook {
  readonly #timeoutMs: number;
  readonly #url: URL;
  readonly #tls: TlsSource;
  readonly #token: TokenSource | undefined;
  readonly #basic: string | undefined;
  readonly #connections: AgentOptions;
  readonly #dial: Dial | undefined;
  readonly #plain: Agent;
  #secure: { readonly material: TlsMaterial; readonly agent: https.Agent } | undefined;

  /** @throws KubeconfigError, or the error of the file system */
  static open(path: string, world: ConnectionWorld, timeoutMs?: number): KubeconfigWebhook {
    return new KubeconfigWebhook(parseKubeconfig(readFileSync(path, 'utf8'), dirname(resolve(path))), world, timeoutMs);
  }

  /** @param timeoutMs of one attempt, its answer's body included */
  constructor(config: ClusterConfig, { clock, dial }: ConnectionWorld, timeoutMs = DEFAULT_TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
    this.#url = urlOf(config.server, timeoutMs);
    const { tls, token } = credentialsOf(config, clock);
    this.#tls = tls;
    this.#token = token;
    this.#basic = config.basic;
    const { proxy } = config;
    this.#dial = proxy ? dialOf(proxy, timeoutMs) : dial;
    this.#connections = {
      keepAlive: true,
      maxSockets: MAX_CONNECTIONS,
      ...(proxy && !this.#dial ? { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href } } : {}),
    };
    this.#plain = dialThrough(new http.Agent(this.#connections), this.#dial);
  }

  /**
   * Posts JSON once.
   * @returns the body of the answer
   * @throws StatusError for an answer that is a failure; Error `Post "<url>": …` where none comes in time
   */
  async post(body: Buffer): Promise<Buffer> {
    const signal = AbortSignal.timeout(this.#timeoutMs);
    const url = this.#url;
    const isSecure = url.protocol === 'https:';
    try {
      const options = {
        method: 'POST',
        agent: isSecure ? await this.#agent() : this.#plain,
        headers: { ...(await this.#credentials()), ...HEADERS, 'content-length': body.length },
        signal,
      };
      const request = isSecure ? https.request(url, options) : http.request(url, options);
      const reply = await exchange(request, body, MAX_ANSWER_BYTES);
      if (reply.status === 401) this.#token?.distrust();
      return bodyOf(reply);
    } catch (error) {
      if (error instanceof StatusError) throw error;
      const reason = signal.aborted ? TIMED_OUT : goErrorText(error, url.host);
      throw new WebhookUnreachable(`Post ${quote(url.href)}: ${reason}`, error, signal.aborted);
    }
  }

  close(): void {
    this.#plain.destroy();
    this.#secure?.agent.destroy();
  }

  /** Another one when certificates have changed; connections of the one before end when they are idle. */
  async #agent(): Promise<https.Agent> {
    const material = await this.#tls.get();
    if (this.#secure?.material !== material) {
      for (const idle of Object.values(this.#secure?.agent.freeSockets ?? {}))
        for (const socket of idle ?? []) socket.destroy();
      const { context, serverName, insecureSkipVerify } = material;
      const secure = new https.Agent({
        ...this.#connections,
        secureContext: context,
        rejectUnauthorized: !insecureSkipVerify,
        ...(serverName ? { servername: serverName } : {}),
      });
      this.#secure = { material, agent: dialThrough(secure, this.#dial) };
    }
    return this.#secure.agent;
  }

  async #credentials(): Promise<Record<string, string>> {
    const token = (await this.#token?.get())?.trim();
    const authorization = token ? `Bearer ${token}` : this.#basic;
    return authorization ? { authorization } : {};
  }
}

/** Through a proxy of SOCKS; those of HTTP are Node.js's affair. */
function dialOf(proxy: URL, timeoutMs: number): Dial | undefined {
  return isSocks(proxy) ? (to) => openTunnel(proxy, to, timeoutMs) : undefined;
}

const HEADERS = {
  accept: 'application/json, */*',
  'content-type': 'application/json',
  'user-agent': 'kube-apiserver',
};
const TIMED_OUT = 'net/http: request canceled (Client.Timeout exceeded while awaiting headers)';

/** No answer, or none that could be read. */
export class WebhookUnreachable extends Error {
  override readonly name = 'WebhookUnreachable';
  readonly timedOut: boolean;

  constructor(message: string, cause: unknown, timedOut: boolean) {
    super(message, { cause });
    this.timedOut = timedOut;
  }
}

/** Tries until it succeeds, fails for good, or has failed five times. @throws what the last attempt threw */
export async function withRetries<T>(
  { clock, random }: WebhookWorld,
  { firstMs, when = isTransient, signal }: Retry,
  attempt: () => Promise<T>,
): Promise<T> {
  let pauseMs = firstMs;
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || signal?.aborted || !when(error)) throw error;
      await pause(clock, pauseMs * (1 + JITTER * random()), signal);
      pauseMs *= FACTOR;
    }
  }
}

const TRANSIENT: ReadonlySet<string> = new Set(['InternalError', 'Timeout', 'TooManyRequests']);

/** Whether another attempt may succeed: a connection that was reset, an overloaded or broken server. */
export function isTransient(error: unknown): boolean {
  if (error instanceof StatusError)
    return TRANSIENT.has(error.reason) || error.details?.retryAfterSeconds !== undefined;
  if (!(error instanceof WebhookUnreachable)) return false;
  const { code, syscall } = error.cause as NodeJS.ErrnoException;
  // A connection that was merely closed has the code too, but comes from no system call.
  return code === 'ECONNRESET' && syscall !== undefined;
}

/** Without query, fragment and the slashes at the end of the path, as client-go asks a server without API groups. */
function urlOf(server: string, timeoutMs: number): URL {
  const url = new URL(server.includes('://') ? server : `http://${server}`);
  url.hash = '';
  url.pathname = url.pathname.replace(/\/+$/, '') || '/';
  url.search = `?timeout=${formatDuration(timeoutMs)}`;
  return url;
}
