import { lstat, realpath } from 'node:fs/promises';
import { encodeYaml, readConfidentialYaml } from '@keelson/api/codec/yaml';
import { readIfExists, writeFileAtomic } from '@keelson/component/files';

/** What a client needs to reach a cluster as one user. PEM texts. */
export interface ClusterAccess {
  /** The name of the cluster, its user and its context. */
  readonly name: string;
  readonly server: string;
  readonly certificateAuthority: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

interface Named {
  readonly name: string;
}

interface Kubeconfig {
  clusters?: Named[] | null;
  users?: Named[] | null;
  contexts?: Named[] | null;
  'current-context'?: string;
}

/**
 * Writes the access to a cluster into a kubeconfig, readable by the owner alone. What else the file holds stays: other
 * clusters, users, contexts, and a current context that points to one of them. A symbolic link is followed.
 * @returns whether the cluster's context is the current one, so that a plain kubectl reaches it
 * @throws Error when the file is there and is no kubeconfig
 */
export async function writeKubeconfig(file: string, access: ClusterAccess): Promise<boolean> {
  const path = await target(file);
  const text = await readIfExists(path);
  const config = text === undefined ? {} : parseKubeconfig(file, text);
  const { name } = access;
  const merged = {
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    ...config,
    clusters: put(config.clusters, {
      name,
      cluster: { server: access.server, 'certificate-authority-data': base64(access.certificateAuthority) },
    }),
    users: put(config.users, {
      name,
      user: {
        'client-certificate-data': base64(access.clientCertificate),
        'client-key-data': base64(access.clientKey),
      },
    }),
    contexts: put(config.contexts, { name, context: { cluster: name, user: name } }),
  };
  const current = config['current-context'];
  const keep = current !== undefined && merged.contexts.some((context) => context.name === current);
  merged['current-context'] = keep ? current : name;
  await writeFileAtomic(path, encodeYaml(merged).toString());
  return merged['current-context'] === name;
}

function parseKubeconfig(file: string, text: string): Kubeconfig {
  let config: unknown;
  try {
    config = readConfidentialYaml(text);
  } catch (error) {
    throw new Error(`${file} is no YAML: ${(error as Error).message}`);
  }
  if (config === null || config === undefined) return {};
  const { kind } = config as { kind?: unknown };
  const lists = ['clusters', 'users', 'contexts'].map((key) => (config as Record<string, unknown>)[key] ?? []);
  if (typeof config !== 'object' || (kind ?? 'Config') !== 'Config' || !lists.every(Array.isArray)) {
    throw new Error(`${file} is no kubeconfig: choose another --kubeconfig`);
  }
  return config as Kubeconfig;
}

/** Replaces the entry of the same name where it stands, or adds one. */
function put<T extends Named>(entries: readonly Named[] | null | undefined, entry: T): Named[] {
  const list = [...(entries ?? [])];
  const at = list.findIndex((other) => other.name === entry.name);
  list.splice(at < 0 ? list.length : at, at < 0 ? 0 : 1, entry);
  return list;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function target(file: string): Promise<string> {
  const link = await lstat(file).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  return link ? realpath(file) : file;
}
