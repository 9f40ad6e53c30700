/**
 * The kubelet's port: what the API server asks it for on behalf of users, and what scrapers read (pkg/kubelet/server).
 *
 *     GET  /pods /runningpods/ /stats/summary /metrics… /healthz /configz /statusz /flagz /logs/ /debug/
 *     GET  /containerLogs/NAMESPACE/POD/CONTAINER
 *     POST /checkpoint/NAMESPACE/POD/CONTAINER
 *     POST /exec /attach /portForward /run, the first three with streams of their own
 */
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { AccessReviewer, type Client, TokenReviewer } from '@keelson/client';
import { answerDebug } from '@keelson/component/debug/http';
import type { DebugOptions } from '@keelson/component/debug/pages';
import { Counter } from '@keelson/component/metrics/families';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '@keelson/component/metrics/registry';
import { HealthMetrics } from '@keelson/component/metrics/slis';
import type { Running } from '@keelson/component/running';
import { listenPlain, type Pages } from '@keelson/component/serving/plain';
import { HttpError, type Serving, serve } from '@keelson/component/serving/server';
import type { User } from '@keelson/component/serving/user';
import { containerOf } from '../pods/spec.ts';
import type { ContainerStatus } from '../runtime/container.ts';
import type { Session, StreamOptions } from '../runtime/streams.ts';
import type { KubeletView } from '../view.ts';
import { attributesOf } from './authorization.ts';
import { checkpoint } from './checkpoint.ts';
import { sendContainerLogs, type Target } from './container-logs.ts';
import { containerMetrics } from './container-metrics.ts';
import { join, outcomeOf, streamsAsked } from './exec.ts';
import { HttpMetrics } from './http-metrics.ts';
import { serveNodeLogs } from './node-logs.ts';
import { resourceMetrics } from './resource-metrics.ts';
import * as spdy from './spdy.ts';
import { summaryOf } from './summary.ts';
import * as tunnel from './tunnel.ts';
import * as websocket from './websocket.ts';

/** Whom the port is open to. */
export interface Access {
  /** Whether requests without credentials are taken, as `system:anonymous`. */
  readonly anonymous: boolean;
  /** How long it holds whose a token is; undefined: tokens are no credentials. */
  readonly tokensHoldMs: number | undefined;
  /** How long it holds what the API server says of who may; undefined: everybody may. */
  readonly reviews: { readonly allowedMs: number; readonly deniedMs: number } | undefined;
}

export interface KubeletServerOptions extends Served {
  readonly host: string;
  readonly port: number;
  /** Undefined: there is none yet, and handshakes fail until there is. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** PEM of the authorities whose client certificates name users. */
  readonly clientCa?: string | undefined;
  /** Asks the API server who asks, and whether they may. */
  readonly client: Client;
  /** Default: nobody is anonymous, the API server is asked, and its answers hold as long as upstream's defaults say. */
  readonly access?: Access | undefined;
}

/** What there is to see. */
interface Served {
  readonly metrics: MetricsRegistry;
  /** Folder that `/logs/` shows; without it, it is disabled. */
  readonly systemLogs?: string | undefined;
  /** Whether it also answers `?query=`, from the machine's journal. */
  readonly systemLogQueries?: boolean | undefined;
  /** What `/configz` shows. */
  readonly configuration?: object | undefined;
  /** `/statusz` and `/flagz`. */
  readonly pages?: Pages | undefined;
  /** Without it there is no `/debug`. */
  readonly debug?: DebugOptions | undefined;
}

/** What `/statusz` lists: of what is served, what upstream lists. */
export const LISTED_PATHS: readonly string[] = ['/configz', '/healthz', '/metrics'];

/** Where the logs of a machine are. */
export const SYSTEM_LOGS = '/var/log';

const CLOSED: Access = {
  anonymous: false,
  tokensHoldMs: 2 * 60_000,
  reviews: { allowedMs: 5 * 60_000, deniedMs: 30_000 },
};

/** Resolves when it listens. @throws Error of the system where it cannot */
export async function startKubeletServer(view: KubeletView, options: KubeletServerOptions): Promise<Serving> {
  const { client, access: { anonymous, tokensHoldMs, reviews } = CLOSED } = options;
  const tokens = tokensHoldMs === undefined ? undefined : new TokenReviewer(client, tokensHoldMs);
  const reviewer = reviews && new AccessReviewer(client, reviews);
  const streams = new Counter({
    name: 'kubelet_websocket_streaming_requests_total',
    help: 'Streams over websockets in the protocols that upstream had its API server translate before, by subresource.',
    stability: 'ALPHA',
    labels: ['subresource'],
  });
  const http = new HttpMetrics(() => performance.now());
  const server = new KubeletServer(view, options, (subresource) => streams.with(subresource).inc());
  const serving = await serve({
    host: options.host,
    port: options.port,
    tls: { certificate: options.certificate, clientCa: options.clientCa },
    anonymous,
    authenticate: tokens && ((token) => tokens.review(token)),
    authorize: async (user, request) => reviewer && mayAsk(reviewer, user, request, view.nodeName),
    handle: (request, response) => http.observe(request, 'readwrite', () => server.handle(request, response)),
    upgrade: (request, socket, head) => http.observe(request, 'readwrite', () => server.upgrade(request, socket, head)),
    failed: (error, { method, url }) =>
      view.world.log.error({ error, method, path: url }, 'A request to the kubelet failed'),
  });
  options.metrics.register(streams);
  http.register(options.metrics);
  return serving;
}

/** What is asked for with these first words can be read by everybody. */
const READ_ONLY: ReadonlySet<string> = new Set(['healthz', 'pods', 'stats', 'metrics']);

/**
 * The port without TLS that upstream's kubelet has for those who only look (`readOnlyPort`). Resolves when it listens.
 * @throws Error of the system where it cannot
 */
export async function startReadOnlyServer(
  view: KubeletView,
  { host, port, metrics }: Pick<KubeletServerOptions, 'host' | 'port' | 'metrics'>,
): Promise<Running> {
  const server = new KubeletServer(view, { metrics });
  return listenPlain({ host, port }, async (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, '405: Method Not Allowed');
    if (!READ_ONLY.has(urlOf(request).pathname.split('/')[1]!)) throw new HttpError(404, '404 page not found');
    await server.handle(request, response);
  });
}

async function mayAsk(
  access: AccessReviewer,
  user: User,
  request: http.IncomingMessage,
  node: string,
): Promise<string | undefined> {
  const attributes = attributesOf(request.method ?? '', urlOf(request).pathname, node);
  for (const resource of attributes) if ((await access.review(user, { resource })).allowed) return undefined;
  const { verb, resource } = attributes[0]!;
  const subresources = attributes.map(({ subresource }) => subresource).join(' ');
  return `Forbidden (user=${user.name}, verb=${verb}, resource=${resource}, subresource(s)=[${subresources}])`;
}

const urlOf = ({ url = '/' }: http.IncomingMessage) => new URL(url, 'https://kubelet');

class KubeletServer {
  readonly #view: KubeletView;
  readonly #options: Served;
  readonly #streamed: (subresource: string) => void;
  readonly #healthMetrics = new HealthMetrics();

  /** @param streamed a stream begins of which older kubelets know nothing */
  constructor(view: KubeletView, options: Served, streamed: (subresource: string) => void = () => {}) {
    this.#view = view;
    this.#options = options;
    this.#streamed = streamed;
  }

  async handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { pages, debug } = this.#options;
    if (debug && (await answerDebug(request, response, debug))) return;
    const page = pages?.(request);
    if (page) {
      response.writeHead(page.status ?? 200, { ...page.headers, 'content-length': Buffer.byteLength(page.body) });
      return void response.end(page.body);
    }
    const url = urlOf(request);
    const [, first = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    switch (first) {
      case 'healthz':
        return this.#health(response);
      case 'pods':
        return sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: this.#view.pods() });
      case 'runningpods':
        return sendJson(response, await this.#runningPods());
      case 'containerLogs':
        return sendContainerLogs(this.#view, this.#target(rest, 'path'), url.searchParams, response);
      case 'run':
        return this.#run(this.#target(rest, 'path'), url.searchParams, request, response);
      case 'checkpoint':
        return sendJson(response, await checkpoint(this.#view, request.method, rest, url.searchParams));
      case 'configz':
        return sendJson(response, { kubeletconfig: this.#options.configuration ?? {} });
      case 'stats':
        if (rest[0] === 'summary') return sendJson(response, await summaryOf(this.#view));
        break;
      case 'logs':
        return this.#systemLogs(rest, url.searchParams, request, response);
      case 'metrics':
        return this.#metrics(rest[0] ?? '', response);
      case 'exec':
      case 'attach':
      case 'portForward':
        throw new HttpError(400, 'unable to upgrade: missing upgrade headers in request');
    }
    throw new HttpError(404, '404 page not found\n');
  }

  async upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = urlOf(request);
    const [, first = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const spoken = spdy.isSpdy(request) ? spdy : websocket.isWebSocket(request) ? websocket : undefined;
    if (!spoken) throw new HttpError(400, 'unable to upgrade: missing upgrade headers in request');
    const asked = streamsAsked(url.searchParams);
    const closes = spoken === websocket && websocket.closesStreams(request);
    switch (first) {
      case 'exec': {
        const { id } = await this.#running(this.#target(rest, 'path'));
        const command = url.searchParams.getAll('command');
        if (!asked.stdin && !asked.stdout && !asked.stderr)
          throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr');
        const open = () => this.#view.runtime.exec(id, { ...asked, command });
        if (closes) this.#streamed('exec');
        return spoken.serveCommand(request, socket, head, asked, 'executing command in container', joining(open));
      }
      case 'attach': {
        const target = this.#target(rest, 'path');
        const { id } = await this.#running(target);
        const streams = attachable(target, asked);
        const open = () => this.#view.runtime.attach(id, streams);
        if (closes) this.#streamed('attach');
        return spoken.serveCommand(request, socket, head, streams, 'attaching to container', joining(open));
      }
      case 'portForward': {
        const { pod } = this.#target(rest, 'pod');
        const sandbox = await this.#view.sandbox(pod);
        if (!sandbox) throw new HttpError(500, `failed to find sandbox of pod ${pod.metadata.name}`);
        const dial = (port: number) => this.#view.runtime.portForward(sandbox.id, port);
        const isTunnel = tunnel.wantsTunnel(request);
        if (isTunnel) this.#streamed('portforward');
        const { servePortForward } = isTunnel ? tunnel : spoken;
        return servePortForward(request, socket, head, pod.metadata.name ?? '', dial);
      }
    }
    throw new HttpError(404, '404 page not found\n');
  }

  /** NAMESPACE/POD[/UID]/CONTAINER, or without the container. @throws HttpError 404 */
  #target(path: readonly string[], kind: 'path' | 'pod'): Target {
    const [namespace = '', name = '', ...more] = path;
    const container = kind === 'path' ? (more.at(-1) ?? '') : '';
    const uid = more.length > (kind === 'path' ? 1 : 0) ? more[0] : undefined;
    const pod = this.#view.pod(namespace, name, uid);
    if (!pod)
      throw new HttpError(
        404,
        kind === 'path' && uid === undefined ? `pod ${JSON.stringify(name)} does not exist` : 'pod does not exist',
      );
    return { pod, container };
  }

  async #running({ pod, container }: Target): Promise<ContainerStatus> {
    const status = await this.#view.container(pod, container);
    if (!status) throw new HttpError(500, `container not found (${JSON.stringify(container)})`);
    return status;
  }

  #health(response: http.ServerResponse): void {
    const problems = this.#view.problems();
    this.#healthMetrics.record('ping', 'healthz', true);
    this.#healthMetrics.record('syncloop', 'healthz', problems.length === 0);
    if (problems.length > 0) throw new HttpError(500, problems.join('\n'));
    sendText(response, 'ok');
  }

  async #runningPods(): Promise<object> {
    const listed = await this.#view.runtime.list();
    const items = listed.map(({ uid, name, namespace, containers }) => ({
      metadata: { name, namespace, uid },
      spec: {
        containers: containers
          .filter(({ state }) => state === 'running')
          .map((each) => ({ name: each.name, resources: {} })),
      },
      status: {},
    }));
    return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
  }

  async #metrics(which: string, response: http.ServerResponse): Promise<void> {
    response.setHeader('content-type', METRICS_CONTENT_TYPE);
    if (which === '') return sendText(response, await this.#options.metrics.text());
    if (which === 'slis') return sendText(response, await this.#healthMetrics.registry.text());
    if (which === 'resource') return sendText(response, await resourceMetrics(this.#view));
    if (which === 'cadvisor') return sendText(response, await containerMetrics(this.#view));
    if (which === 'probes') return sendText(response, (await this.#view.probeMetrics?.()) ?? '');
    throw new HttpError(404, '404 page not found\n');
  }

  async #systemLogs(
    path: readonly string[],
    query: URLSearchParams,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const { systemLogs, systemLogQueries: queries = false } = this.#options;
    if (systemLogs === undefined) throw new HttpError(405, 'logs endpoint is disabled.\n');
    if (request.method !== 'GET') throw new HttpError(405, '405: Method Not Allowed');
    if (path.length === 0) throw new HttpError(404, '404 page not found\n');
    return serveNodeLogs({ directory: systemLogs, queries }, `/${path.join('/')}`, query, request, response);
  }

  async #run(
    target: Target,
    query: URLSearchParams,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    if (request.method !== 'POST') throw new HttpError(405, '405: Method Not Allowed');
    const { id } = await this.#running(target);
    const command = (query.get('cmd') ?? '').split(' ');
    const { stdout, stderr, exitCode } = await this.#view.runtime.execSync(id, command, 0);
    if (exitCode !== 0) throw new HttpError(500, outcomeOf(exitCode).message ?? '');
    sendText(response, Buffer.concat([stdout, stderr]));
  }
}

const joining = (open: () => Promise<Session>) => async (remote: Parameters<typeof join>[1]) =>
  join(await open(), remote);

/** Of what is asked for, only what the container has: one without stdin takes none. */
function attachable({ pod, container }: Target, asked: StreamOptions): StreamOptions {
  const spec = containerOf(pod, container)?.spec;
  const tty = spec?.tty === true;
  return { stdin: asked.stdin, stdout: asked.stdout, stderr: asked.stderr && !tty, tty };
}

function sendJson(response: http.ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json');
  sendText(response, `${JSON.stringify(body)}\n`);
}

function sendText(response: http.ServerResponse, body: string | Buffer): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
