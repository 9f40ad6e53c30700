/** Asking a webhook over HTTPS, as client-go does it, in its words when it fails (k8s.io/apiserver/pkg/util/webhook/client.go). */
import https from 'node:https';
import { isIP } from 'node:net';
import { posix } from 'node:path';
import { quote } from '@keelson/api/field';
import type { ServiceReference, WebhookClientConfig } from '@keelson/api/generated/types/admissionregistration/v1';
import { formatDuration } from '@keelson/component/go/duration';
import { unbracketed } from '@keelson/component/go/net';
import { trusting } from '@keelson/component/trust';
import { escapePath } from '../connect/backend.ts';
import { dialThrough } from '../connect/dial.ts';
import { goErrorText } from '../connect/goerror.ts';
import type { EgressSelector } from '../egress/index.ts';
import { caBundleProblem } from '../registry/validation/cabundle.ts';
import type { TraceHeaders, Tracing } from '../tracing/index.ts';
import { exchange, type Reply } from './exchange.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where the port of a service is reached. @throws Error */
export type ResolveService = (namespace: string, name: string, port: number) => Promise<Address>;

/** What comes with a request besides its body: who asks, for a server that wants to know. */
export interface Credentials {
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: { readonly cert?: string; readonly key?: string; readonly ca?: string; readonly servername?: string };
}

/** @param server `host:port`. @returns undefined: nobody in particular */
export type CredentialsFor = (server: string) => Credentials | undefined;

export interface ClientOptions {
  readonly resolve: ResolveService;
  readonly credentialsFor?: CredentialsFor;
  readonly egress?: Pick<EgressSelector, 'dialer'> | undefined;
  readonly tracing?: Tracing | undefined;
}

/** Where a configuration leads. */
interface Target {
  /** As failures name it. */
  readonly url: string;
  readonly path: string;
  /** The host, with the port if it stands in the URL. */
  readonly server: string;
  /** The same, always with the port. */
  readonly authority: string;
  readonly servername: string;
  address(): Promise<Address>;
  /** Through what it is reached; undefined: straight. */
  readonly egress: 'cluster' | 'controlplane' | undefined;
}

/** Nobody can be asked with this configuration. */
export class UnusableConfig extends Error {
  override readonly name = 'UnusableConfig';
}

const HTTPS_PORT = 443;

/** Keeps connections to webhooks for their next review. */
export class WebhookClient {
  readonly #agents = new Map<Target['egress'], https.Agent>();
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** @param timeoutSeconds the webhook is told of whole ones. @throws UnusableConfig, or Error `Post "<url>": …` when there is no reply in time */
  async post(config: WebhookClientConfig, body: Buffer, timeoutSeconds: number): Promise<Reply> {
    const problem = config.caBundle && caBundleProblem(config.caBundle);
    if (problem) throw new UnusableConfig(problem);
    const target = targetOf(
      config,
      `timeout=${formatDuration(Math.ceil(timeoutSeconds) * 1000)}`,
      this.#options.resolve,
    );
    const signal = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000));
    try {
      const address = await target.address();
      return await this.#traced(target, (more) => this.#send(target, address, config, body, signal, more));
    } catch (error) {
      throw new Error(`Post ${quote(target.url)}: ${reasonOf(error, target, signal)}`);
    }
  }

  #traced(target: Target, send: (headers: TraceHeaders) => Promise<Reply>): Promise<Reply> {
    const { tracing } = this.#options;
    if (!tracing) return send({});
    const { hostname, port } = new URL(target.url);
    const attributes = {
      'http.request.method': 'POST',
      'url.full': target.url,
      'server.address': hostname,
      'server.port': Number(port) || HTTPS_PORT,
      'network.protocol.version': '1.1',
    };
    return tracing.call('HTTP POST', attributes, async (headers, span) => {
      const reply = await send(headers);
      span.set({ 'http.response.status_code': reply.status });
      if (reply.status >= 400) span.fail();
      return reply;
    });
  }

  #send(
    target: Target,
    { host, port }: Address,
    { caBundle }: WebhookClientConfig,
    body: Buffer,
    signal: AbortSignal,
    more: TraceHeaders,
  ): Promise<Reply> {
    const { headers, tls } = this.#options.credentialsFor?.(target.authority) ?? {};
    const ca = [tls?.ca, caBundle && decodeBundle(caBundle)].filter((pem) => pem);
    const servername = tls?.servername ?? target.servername;
    const request = https.request({
      agent: this.#agent(target.egress),
      host,
      port,
      method: 'POST',
      path: target.path,
      servername: isIP(servername) === 0 ? servername : '',
      ...tls,
      ...trusting(ca.join('\n')),
      headers: {
        host: target.server,
        accept: 'application/json, */*',
        'content-type': 'application/json',
        'content-length': body.length,
        'user-agent': 'kube-apiserver-admission',
        ...more,
        ...headers,
      },
      signal,
    });
    return exchange(request, body);
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agent(egress: Target['egress']): https.Agent {
    const dial = egress && this.#options.egress?.dialer(egress);
    const way = dial && egress;
    const agent = this.#agents.get(way) ?? dialThrough(new https.Agent({ keepAlive: true, maxFreeSockets: 25 }), dial);
    this.#agents.set(way, agent);
    return agent;
  }
}

function decodeBundle(caBundle: string): string {
  return Buffer.from(caBundle, 'base64').toString('latin1');
}

function targetOf({ url, service }: WebhookClientConfig, query: string, resolve: ResolveService): Target {
  return service ? serviceTarget(service, query, resolve) : urlTarget(url ?? '', query);
}

function serviceTarget(service: ServiceReference, query: string, resolve: ResolveService): Target {
  const { namespace, name, port = HTTPS_PORT } = service;
  const servername = `${name}.${namespace}.svc`;
  const server = `${servername}:${port}`;
  const path = `${escapePath(rooted(service.path ?? ''))}?${query}`;
  return {
    url: `https://${server}${path}`,
    path,
    server,
    authority: server,
    servername,
    address: () => resolve(namespace, name, port),
    egress: namespace === 'default' && name === 'kubernetes' && port === HTTPS_PORT ? undefined : 'cluster',
  };
}

function urlTarget(text: string, query: string): Target {
  const url = new URL(text);
  const path = `${rooted(url.pathname)}?${query}`;
  const host = unbracketed(url.hostname);
  const address = { host, port: url.port === '' ? HTTPS_PORT : Number(url.port) };
  // The host as it was written: URL leaves out the scheme's own port.
  const server = /^[a-z]+:\/\/([^/?#]*)/i.exec(text)?.[1] ?? url.host;
  return {
    url: `https://${server}${path}`,
    path,
    server,
    authority: `${url.hostname}:${address.port}`,
    servername: host,
    address: async () => address,
    egress: 'controlplane',
  };
}

/** As client-go joins it to a server's root: from one slash on, without empty parts, dots and a slash at the end. */
function rooted(path: string): string {
  return posix.join('/', path).replace(/(?<=.)\/$/, '');
}

function reasonOf(error: unknown, { server }: Target, signal: AbortSignal): string {
  return signal.aborted ? 'context deadline exceeded' : goErrorText(error, server);
}
