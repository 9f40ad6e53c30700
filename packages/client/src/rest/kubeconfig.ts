/** Where the server is and who asks: from a kubeconfig, or from what a pod finds in its container. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readConfidentialYaml } from '@keelson/api/codec/yaml';
import { joinHostPort } from '@keelson/component/go/net';
import type { Impersonation } from './client.ts';
import { type ExecConfig, type ExecEntry, execConfigOf } from './exec.ts';
import type { Source, TlsConfig } from './tls.ts';

export interface ClusterConfig {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** Where namespaced objects are meant that do not say. */
  readonly namespace: string;
  readonly tls: TlsConfig;
  readonly token?: Source | undefined;
  /** A program that has the credentials, where none stand here. */
  readonly exec?: ExecConfig | undefined;
  /** Of a user with a name and a password: the Authorization header. */
  readonly basic?: string | undefined;
  /** Of http, https or SOCKS: the server is reached through it. */
  readonly proxy?: URL | undefined;
  readonly impersonate?: Impersonation | undefined;
  readonly compression?: boolean | undefined;
}

/** The kubeconfig has no answer, or one that cannot be used. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

/**
 * @param context instead of the current one
 * @throws KubeconfigError
 */
export async function loadKubeconfig(file: string, context?: string): Promise<ClusterConfig> {
  return parseKubeconfig(await readFile(file, 'utf8'), dirname(resolve(file)), context);
}

/**
 * @param directory what paths in it are relative to
 * @throws KubeconfigError
 */
export function parseKubeconfig(text: string, directory: string, context?: string): ClusterConfig {
  const config = read(text);
  const name = context ?? config['current-context'];
  if (!name) throw new KubeconfigError('the kubeconfig has no current-context');
  const chosen = entry(config.contexts, 'context', name).context ?? {};
  const cluster = entry(config.clusters, 'cluster', chosen.cluster ?? '').cluster ?? {};
  const user = (chosen.user ? entry(config.users, 'user', chosen.user).user : undefined) ?? {};
  if (user['auth-provider'] !== undefined)
    throw new KubeconfigError(`user ${chosen.user}: auth-provider is not supported`);
  const { username = '', password = '' } = user;
  const hasPassword = username !== '' || password !== '';
  const methods = [...(user.token ? ['token'] : []), ...(hasPassword ? ['basicAuth'] : [])];
  if (methods.length > 1)
    throw new KubeconfigError(
      `more than one authentication method found for ${chosen.user}; found [${methods.join(' ')}], only one is allowed`,
    );
  const proxy = cluster['proxy-url'] ? proxyOf(cluster['proxy-url'], chosen.cluster ?? '') : undefined;
  if (!cluster.server) throw new KubeconfigError(`cluster ${chosen.cluster} has no server`);
  const source = (data: string | undefined, path: string | undefined): Source | undefined => {
    if (data) return { text: Buffer.from(data, 'base64').toString() };
    return path ? { file: resolve(directory, path) } : undefined;
  };
  return {
    server: cluster.server,
    namespace: chosen.namespace || 'default',
    tls: {
      ca: source(cluster['certificate-authority-data'], cluster['certificate-authority']),
      certificate: source(user['client-certificate-data'], user['client-certificate']),
      key: source(user['client-key-data'], user['client-key']),
      serverName: cluster['tls-server-name'],
      insecureSkipVerify: cluster['insecure-skip-tls-verify'],
    },
    // As in client-go, a file wins over a token beside it, since the file may change.
    token: user.tokenFile
      ? { file: resolve(directory, user.tokenFile) }
      : user.token
        ? { text: user.token }
        : undefined,
    exec: user.exec ? execOf(user.exec, chosen.user ?? '', directory, cluster) : undefined,
    basic: hasPassword ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : undefined,
    proxy,
    impersonate: user.as ? { user: user.as, uid: user['as-uid'], groups: user['as-groups'] } : undefined,
    compression: !cluster['disable-compression'],
  };
}

/** The program is told of authorities that stand in the kubeconfig itself. @throws KubeconfigError */
function execOf(entry: ExecEntry, user: string, directory: string, cluster: Cluster): ExecConfig {
  try {
    const { 'certificate-authority': _, ...told } = cluster;
    return execConfigOf(entry, user, directory, told);
  } catch (error) {
    throw new KubeconfigError((error as Error).message);
  }
}

const PROXIES = ['http', 'https', 'socks5'];

/** @throws KubeconfigError for what is no URL of a proxy */
function proxyOf(text: string, cluster: string): URL {
  const refused = (why: string): KubeconfigError =>
    new KubeconfigError(
      `invalid 'proxy-url' ${JSON.stringify(withoutPassword(text))} for cluster ${JSON.stringify(cluster)}: ${why}`,
    );
  const url = URL.parse(text);
  if (!url) throw refused('it is no URL');
  const scheme = url.protocol.slice(0, -1);
  if (PROXIES.includes(scheme)) return url;
  throw refused(`unsupported scheme ${JSON.stringify(scheme)}, must be http, https, or socks5`);
}

/** As Go's URL.Redacted, of what may be no URL, too. */
const withoutPassword = (url: string) => url.replace(/^((?:[a-z0-9+.-]+:\/\/)?[^:@/]*):.*@/i, '$1:xxxxx@');

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * What a pod's service account gives it.
 * @param env the process's environment
 * @throws KubeconfigError outside of a pod
 */
export async function inClusterConfig(
  env: Readonly<Record<string, string | undefined>>,
  directory = SERVICE_ACCOUNT,
): Promise<ClusterConfig> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) {
    throw new KubeconfigError('not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined');
  }
  return {
    server: `https://${joinHostPort(host, port)}`,
    namespace: (await readFile(`${directory}/namespace`, 'utf8').catch(() => 'default')).trim(),
    tls: { ca: { file: `${directory}/ca.crt` } },
    token: { file: `${directory}/token` },
  };
}

interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name: string; context?: Context }[] | null;
  clusters?: { name: string; cluster?: Cluster }[] | null;
  users?: { name: string; user?: User }[] | null;
}
interface Context {
  cluster?: string;
  user?: string;
  namespace?: string;
}
interface Cluster {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'tls-server-name'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'proxy-url'?: string;
  'disable-compression'?: boolean;
}
interface User {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  as?: string;
  'as-uid'?: string;
  'as-groups'?: string[];
  exec?: ExecEntry;
  'auth-provider'?: unknown;
  username?: string;
  password?: string;
}

function read(text: string): Kubeconfig {
  let config: unknown;
  try {
    config = readConfidentialYaml(text);
  } catch (error) {
    throw new KubeconfigError(`the kubeconfig is no YAML: ${(error as Error).message}`);
  }
  if (typeof config !== 'object' || config === null) throw new KubeconfigError('the kubeconfig is empty');
  return config as Kubeconfig;
}

function entry<E extends { name: string }>(list: readonly E[] | null | undefined, what: string, name: string): E {
  const found = list?.find((one) => one.name === name);
  if (!found) throw new KubeconfigError(`the kubeconfig has no ${what} "${name}"`);
  return found;
}
