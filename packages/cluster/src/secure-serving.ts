/** The HTTPS port of the scheduler and of the controllers: health, metrics, configuration (component-base/server). */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { AccessReviewer, type Client, TokenReviewer } from '@keelson/client';
import { answerDebug } from '@keelson/component/debug/http';
import type { DebugOptions } from '@keelson/component/debug/pages';
import type { FeatureGates } from '@keelson/component/featuregate/featuregate';
import type { Logger } from '@keelson/component/logs/logger';
import { METRICS_CONTENT_TYPE, type MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PlainAnswer } from '@keelson/component/serving/plain';
import { HttpError, type Serving, serve } from '@keelson/component/serving/server';
import type { User } from '@keelson/component/serving/user';
import type { ComponentHealth } from './component-health.ts';
import { createSelfSigned } from './pki/self-signed.ts';
import { StartupError } from './startup-error.ts';
import { pagesOf } from './zpages.ts';

/** The flags that both have. Durations in milliseconds. */
export interface ServingFlags {
  readonly 'bind-address': string;
  readonly 'secure-port': number;
  readonly 'tls-cert-file': string;
  readonly 'tls-private-key-file': string;
  readonly 'client-ca-file': string;
  readonly 'authentication-token-webhook-cache-ttl': number;
  readonly 'authorization-always-allow-paths': readonly string[];
  readonly 'authorization-webhook-cache-authorized-ttl': number;
  readonly 'authorization-webhook-cache-unauthorized-ttl': number;
}

export const servingDescriptions: Readonly<Record<keyof ServingFlags, string>> = {
  'authentication-token-webhook-cache-ttl': 'How long it is remembered whose a token is.',
  'authorization-always-allow-paths': 'Paths that nobody is asked about.',
  'authorization-webhook-cache-authorized-ttl': 'How long it is remembered that somebody may.',
  'authorization-webhook-cache-unauthorized-ttl': 'How long it is remembered that somebody may not.',
  'bind-address': 'Address that the HTTPS port listens on.',
  'client-ca-file': 'Authorities whose client certificates name users. Default: those that the API server trusts.',
  'secure-port': 'The HTTPS port of health and metrics; 0: none.',
  'tls-cert-file': 'Serving certificate. Default: one that is made at each start.',
  'tls-private-key-file': 'Key of the serving certificate.',
};

export interface Served {
  readonly component: string;
  readonly metrics: MetricsRegistry;
  readonly health: ComponentHealth;
  /** What `/flagz` shows. */
  readonly flags: Readonly<Record<string, string>>;
  /** They decide which pages there are. */
  readonly gates: FeatureGates;
  /** What `/statusz` lists beside itself. */
  readonly paths: readonly string[];
  /** What is at other paths. */
  readonly others?: Readonly<Record<string, () => Promise<PlainAnswer>>>;
  /** What `/configz` shows. */
  readonly configuration: object;
  /** Without it there is no `/debug`. */
  readonly debug?: DebugOptions | undefined;
}

const AUTHENTICATION = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };

/** @returns undefined where the flags want no port. @throws StartupError */
export async function startServing(
  values: ServingFlags,
  client: Client,
  served: Served,
  logger: Logger,
): Promise<Serving | undefined> {
  if (values['secure-port'] === 0) return undefined;
  const tokens = new TokenReviewer(client, values['authentication-token-webhook-cache-ttl']);
  const access = new AccessReviewer(client, {
    allowedMs: values['authorization-webhook-cache-authorized-ttl'],
    deniedMs: values['authorization-webhook-cache-unauthorized-ttl'],
  });
  const open = new Set(values['authorization-always-allow-paths']);
  const pages = pagesOf(served);
  const options = {
    host: values['bind-address'],
    port: values['secure-port'],
    tls: { certificate: await certificateOf(values), clientCa: await clientCaOf(values, client, logger) },
    anonymous: true,
    authenticate: (token: string) => tokens.review(token),
    authorize: async (user: User, { url, method }: { url?: string | undefined; method?: string | undefined }) => {
      const path = urlOf(url).pathname;
      if (open.has(path)) return undefined;
      const verb = (method ?? 'GET').toLowerCase();
      const { allowed, reason } = await access.review(user, { path, verb });
      const why = reason === '' ? '' : `: ${reason}`;
      return allowed
        ? undefined
        : `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}${why}`;
    },
    handle: async (request: IncomingMessage, response: ServerResponse) => {
      if (served.debug && (await answerDebug(request, response, served.debug))) return;
      const { status = 200, headers, body } = pages(request) ?? (await answer(served, urlOf(request.url)));
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
    },
    failed: (error: unknown) => logger.error({ err: String(error) }, 'A request failed'),
  };
  try {
    return await serve(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = 'choose another --secure-port, or 0 for none';
    if (code === 'EADDRINUSE')
      throw new StartupError(`port ${options.port} of ${options.host} is in use by another process`, remedy);
    throw new StartupError(message, remedy);
  }
}

const urlOf = (url = '/') => new URL(url, 'https://component');

export async function metricsPage(registry: MetricsRegistry): Promise<PlainAnswer> {
  return { headers: { 'content-type': METRICS_CONTENT_TYPE }, body: await registry.text() };
}

/** @throws HttpError */
async function answer({ metrics, health, configuration, others }: Served, url: URL): Promise<PlainAnswer> {
  const { pathname: path, searchParams: query } = url;
  const checked = await health.checks.serve({ path, query });
  if (checked) return { ...checked, body: String(checked.body) };
  switch (path) {
    case '/metrics':
      return metricsPage(metrics);
    case '/metrics/slis':
      return metricsPage(health.slis);
    case '/configz':
      return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(configuration) };
    default: {
      const other = others?.[path];
      if (other) return other();
      throw new HttpError(404, '404 page not found\n');
    }
  }
}

async function certificateOf(values: ServingFlags): Promise<{ cert: string; key: string }> {
  const [certFile, keyFile] = [values['tls-cert-file'], values['tls-private-key-file']];
  if (certFile === '') {
    const { certificate, key } = await createSelfSigned(hostname(), ['localhost', '127.0.0.1'], new Date());
    return { cert: certificate, key };
  }
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    return { cert, key };
  } catch (error) {
    throw new StartupError(
      `cannot read the serving certificate: ${(error as Error).message}`,
      'correct --tls-cert-file and --tls-private-key-file',
    );
  }
}

/** Where the flags do not say, whom the API server trusts. */
async function clientCaOf(values: ServingFlags, client: Client, logger: Logger): Promise<string | undefined> {
  if (values['client-ca-file'] !== '') return readFile(values['client-ca-file'], 'utf8');
  try {
    return (await client.resource('configmaps').get(AUTHENTICATION)).data?.['client-ca-file'];
  } catch (error) {
    logger.warn(
      { err: (error as Error).message },
      'Whom the API server trusts could not be read: client certificates are not taken',
    );
    return undefined;
  }
}
