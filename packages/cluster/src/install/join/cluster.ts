/** What a machine that joins learns of its cluster. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import {
  type Client,
  type ClusterConfig,
  connect,
  hasReason,
  KubeconfigError,
  parseKubeconfig,
  type World,
} from '@keelson/client';
import { readFault } from '../../data-directory.ts';
import { StartupError } from '../../startup-error.ts';
import { hasMark } from '../addons/account.ts';
import { type NodePart, waysOf } from '../addons/node-part.ts';
import { nodeParts } from '../addons/node-parts.ts';
import { type Documents, readDocuments } from '../configuration/documents.ts';
import { splitToken } from '../configuration/init.ts';
import type { Credentials } from '../kubeconfigs.ts';
import type { JoinConfiguration } from './configuration.ts';
import { clusterOf, type DiscoveredCluster, discoverCluster } from './discovery.ts';

/** Whom the cluster takes a machine for that has no certificate yet. */
export interface BootstrapAccess extends DiscoveredCluster {
  readonly credentials: Credentials;
}

/** Finds the cluster, and what to ask it by. @param waiting told why that takes long @throws StartupError where it cannot be trusted */
export async function findCluster(
  join: JoinConfiguration,
  world: World,
  waiting?: (problem: string) => void,
): Promise<BootstrapAccess> {
  const { discovery, tlsBootstrapToken, init } = join;
  if (discovery.kind === 'file') return ofFile(discovery.path, tlsBootstrapToken);
  const { token, endpoint, caHashes } = discovery;
  const found = await discoverCluster(
    {
      token: splitToken(token),
      endpoint,
      caHashes,
      timeoutMs: init.timeouts.discovery,
      ...(waiting ? { waiting } : {}),
    },
    world,
  );
  return { ...found, credentials: { token: tlsBootstrapToken } };
}

async function ofFile(path: string, token: string): Promise<BootstrapAccess> {
  const text = await readDiscoveryFile(path);
  const config = namesSomebody(text) ? parsed(path, text) : undefined;
  const { ca, certificate, key } = config?.tls ?? {};
  const found: DiscoveredCluster =
    config && ca && 'text' in ca ? { server: config.server, certificateAuthority: ca.text } : clusterOf(text, path);
  if (token !== '') return { ...found, credentials: { token } };
  if (config?.token && 'text' in config.token) return { ...found, credentials: { token: config.token.text } };
  if (certificate && key && 'text' in certificate && 'text' in key)
    return { ...found, credentials: { certificate: certificate.text, key: key.text } };
  throw new StartupError(`${path} names nobody whom the cluster would know`, 'give --tls-bootstrap-token');
}

async function readDiscoveryFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new StartupError(`cannot read ${path}: ${readFault(error)}`, 'correct --discovery-file');
  }
}

/** What `cluster-info` has says where a cluster is, and no more. */
const namesSomebody = (kubeconfig: string) => /^current-context: *["']?[^"'\s]/m.test(kubeconfig);

function parsed(path: string, text: string): ClusterConfig {
  try {
    return parseKubeconfig(text, dirname(resolve(path)));
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    throw new StartupError(`cannot use ${path}: ${error.message}`, 'correct --discovery-file');
  }
}

/** Asks the cluster with what a machine has before its certificate. */
export function bootstrapClient({ server, certificateAuthority, credentials }: BootstrapAccess, world: World): Client {
  const identity =
    'token' in credentials
      ? { token: { text: credentials.token }, pair: {} }
      : 'file' in credentials
        ? { pair: { certificate: credentials, key: credentials } }
        : { pair: { certificate: { text: credentials.certificate }, key: { text: credentials.key } } };
  const { pair, ...token } = identity;
  return connect(
    { server, namespace: 'default', tls: { ca: { text: certificateAuthority }, ...pair }, ...token },
    { component: 'keelson', world },
  );
}

/** The documents that an installation has left in the cluster for those who join. @throws StartupError */
export async function clusterDocuments(client: Client): Promise<Documents> {
  const read = async (name: string, key: string) => {
    const { data } = await client.resource('configmaps').get({ namespace: 'kube-system', name });
    return data?.[key] ?? '';
  };
  try {
    const [cluster, kubelet] = await Promise.all([
      read('kubeadm-config', 'ClusterConfiguration'),
      read('kubelet-config', 'kubelet'),
    ]);
    return new Map([...readDocuments(cluster), ...readDocuments(kubelet)]);
  } catch (error) {
    throw new StartupError(
      `unable to fetch the kubeadm-config ConfigMap: ${(error as Error).message}`,
      hasReason(error, 'NotFound')
        ? "run 'keelson init phase upload-config' on the control plane; a cluster of 'keelson up' takes no other machines"
        : 'see that whoever asks still may: a token may have ended',
    );
  }
}

/** A name is one machine's. @throws StartupError where another has it */
export async function refuseTakenName(client: Client, name: string): Promise<void> {
  try {
    const { status } = await client.resource('nodes').get({ name });
    const isReady = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True');
    if (isReady)
      throw new StartupError(
        `a Node with name "${name}" and status "Ready" already exists in the cluster`,
        'delete the existing Node, or change the name of this one by --node-name',
      );
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}

/** A part of every node that machines run by units in this cluster. */
export interface FoundPart {
  readonly part: NodePart;
  readonly files: Readonly<Record<string, string>>;
}

/** @throws StartupError */
export async function machineParts(client: Client): Promise<FoundPart[]> {
  const found = await Promise.all(
    nodeParts.map(async (part) => {
      const config = await configMapIfAllowed(client, part.name);
      return config !== undefined && hasMark(config, waysOf(part).units) ? [{ part, files: config.data ?? {} }] : [];
    }),
  );
  return found.flat();
}

async function configMapIfAllowed(client: Client, name: string): Promise<ConfigMap | undefined> {
  try {
    return await client.resource('configmaps').get({ namespace: 'kube-system', name });
  } catch (error) {
    if (hasReason(error, 'NotFound', 'Forbidden')) return undefined;
    throw new StartupError(
      `unable to fetch kube-system/${name}: ${(error as Error).message}`,
      'see that the API server is well, and run the command again',
    );
  }
}
