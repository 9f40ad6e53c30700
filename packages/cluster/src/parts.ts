/**
 * What runs beside the API server in one process. Each part is a client with an identity of its own, as it would be in a
 * process of its own; only the socket is left out.
 */
import { join } from 'node:path';
import { Client, type ClientOptions, LeadLostError, systemWorld, type Transport } from '@keelson/client';
import { parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import type { Logger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { parseFlags } from '@keelson/component/pflag/flags';
import { type Running, revived, together } from '@keelson/component/running';
import { type ServerFactory, startSimulatedNodes } from '@keelson/kubelet';
import { flags as controllerFlags } from './kube-controller-manager/flags.ts';
import { ServiceAccountToken } from './kube-controller-manager/service-accounts.ts';
import { startControllerManager } from './kube-controller-manager/start.ts';
import { flags as schedulerFlags } from './kube-scheduler/flags.ts';
import { startKubeScheduler } from './kube-scheduler/start.ts';
import { startNetwork } from './network.ts';
import { findRuntime, type NodeKind, type NodeSettings, SIMULATED, startRealNode } from './node.ts';
import type { ClusterPki, LeafName } from './pki/cluster-pki.ts';
import { pagesOf } from './zpages.ts';

/** Where tools look for a kubelet. */
const KUBELET_PORT = 10_250;

export interface Parts {
  readonly controllers: boolean;
  readonly scheduler: boolean;
  /** The node of this machine; undefined for none. */
  readonly node: NodeSettings | undefined;
  /** Addresses of pods, of which each node has a part, as CIDR; two of different families for dual stack; empty: none. */
  readonly podRange: string;
  /** As `--feature-gates` was given, for all of them. */
  readonly featureGates: ReadonlyMap<string, readonly string[]>;
  /** How many nodes there are besides, which run no containers. */
  readonly simulatedNodes: number;
}

/** Where the parts find what they need. */
export interface Surroundings {
  /** A connection to the API server, of one who proves itself by a certificate (PEM), or by a token with each request. */
  readonly connect: (certificate?: string) => Transport;
  readonly pki: ClusterPki;
  readonly logger: Logger;
  readonly dataDirectory: string;
  readonly nodeName: string;
  /** Of this machine, by which its nodes are reached: what goes through the API server may not go to a loopback address. */
  readonly nodeAddress: string;
  /** Address of the service of names, whoever answers there. */
  readonly dnsAddress: string;
  /** In elections; undefined where other processes on the same store may compete: then each start has a new one. */
  readonly identity?: string;
}

/** Starts the wanted parts; they go on finding their feet after this resolves. @throws StartupError */
export async function startParts(
  surroundings: Surroundings,
  parts: Parts,
): Promise<Running & { node: NodeKind | undefined }> {
  const runtime = parts.node && (await findRuntime(parts.node.runtimeEndpoint));
  const started: Promise<Running>[] = [];
  if (parts.controllers) started.push(controllers(surroundings, parts));
  if (parts.scheduler) started.push(scheduler(surroundings, parts));
  const simulated = Array.from({ length: parts.simulatedNodes }, (_, i) => `simulated-${i}`);
  if (runtime?.kind === SIMULATED) simulated.unshift(surroundings.nodeName);
  if (simulated.length > 0) started.push(simulatedNodes(surroundings, simulated));
  if (runtime && runtime.kind !== SIMULATED) {
    const settings = { ...parts.node!, runtimeEndpoint: runtime.endpoint };
    started.push(realNode(surroundings, settings, parts.podRange));
  }
  return { ...together(await Promise.all(started)), node: runtime?.kind };
}

async function controllers(surroundings: Surroundings, { podRange, featureGates }: Parts): Promise<Running> {
  const { values } = parseFlags(controllerFlags, [
    `--root-ca-file=${surroundings.pki.certificateFile('ca')}`,
    `--cluster-signing-cert-file=${surroundings.pki.certificateFile('ca')}`,
    `--cluster-signing-key-file=${surroundings.pki.keyFile('ca')}`,
    `--service-account-private-key-file=${surroundings.pki.serviceAccountKeyFile}`,
    '--use-service-account-credentials',
    ...(podRange === '' ? [] : ['--allocate-node-cidrs', `--cluster-cidr=${podRange}`]),
  ]);
  const component = 'kube-controller-manager';
  const client = await clientOf(surroundings, component);
  const clientFor = (account: string) =>
    new Client({
      ...common(surroundings, `${component}/${account}`),
      transport: surroundings.connect(),
      token: new ServiceAccountToken(client, account),
    });
  const { identity } = surroundings;
  const access = { client, clientFor, ...(identity === undefined ? {} : { identity }) };
  return leading(surroundings, component, () =>
    startControllerManager({ ...values, 'feature-gates': featureGates }, access),
  );
}

async function scheduler(surroundings: Surroundings, { featureGates }: Parts): Promise<Running> {
  const { isEnabled } = parseFeatureGates(featureGates);
  const { values } = parseFlags(schedulerFlags, []);
  const component = 'kube-scheduler';
  const client = await clientOf(surroundings, component);
  return leading(surroundings, component, () =>
    startKubeScheduler(values, client, { identity: surroundings.identity, isEnabled }),
  );
}

/** A part that has lost its lead, since the store was away for long or another took it, runs for it anew. */
function leading({ logger }: Surroundings, component: LeafName, start: () => Promise<Running>): Promise<Running> {
  return revived(start, (error) => {
    if (!(error instanceof LeadLostError)) return false;
    logger.error({ err: error.message, component }, 'A part of the cluster has ended and is started anew');
    return true;
  });
}

/** All over one transport, as one who may speak for others: each node is who it says in its requests. */
async function simulatedNodes(surroundings: Surroundings, names: readonly string[]): Promise<Running> {
  const { certificate } = (await surroundings.pki.read('admin'))!;
  const options = {
    ...common(surroundings, 'kubelet'),
    transport: surroundings.connect(certificate),
  };
  const clientFor = (name: string) =>
    new Client({ ...options, impersonate: { user: `system:node:${name}`, groups: ['system:nodes'] } });
  const client = new Client(options);
  const server = await kubeletServer(surroundings, client);
  return startSimulatedNodes({ client, clientFor, names, server, address: surroundings.nodeAddress });
}

async function realNode(
  surroundings: Surroundings,
  settings: NodeSettings & { readonly runtimeEndpoint: string },
  podRange: string,
): Promise<Running> {
  const network = await startNetwork({
    pods: podRange === '' ? undefined : await clientOf(surroundings, 'pod-network'),
    proxy: settings.proxy ? await clientOf(surroundings, 'kube-proxy') : undefined,
    dns: settings.dns && settings.clusterDns.length === 0 ? await clientOf(surroundings, 'kube-dns') : undefined,
    cniFolder: settings.cniFolder,
    administrator: await clientOf(surroundings, 'admin', 'keelson'),
    ...surroundings,
  });
  const client = await clientOf(surroundings, 'kubelet-client', 'kubelet');
  const metrics = new MetricsRegistry();
  const server = await kubeletServer(surroundings, client, metrics);
  const { nodeName, nodeAddress, dataDirectory } = surroundings;
  const rootDirectory = join(dataDirectory, 'kubelet');
  const clusterDns = settings.clusterDns.length > 0 ? settings.clusterDns : network.clusterDns;
  const options = { client, server, metrics, nodeName, nodeAddress, rootDirectory, ...settings, clusterDns };
  return together([await startRealNode(options), network]);
}

/** @param metrics of this machine's kubelet, which shows its logs too; simulated ones have each their own, and none */
async function kubeletServer(
  { pki, nodeAddress }: Surroundings,
  client: Client,
  metrics?: MetricsRegistry,
): Promise<ServerFactory> {
  const { certificate: cert, key } = (await pki.read('kubelet'))!;
  const { certificate: clientCa } = (await pki.read('ca'))!;
  const { LISTED_PATHS, SYSTEM_LOGS, startKubeletServer } = await import('@keelson/kubelet/server/server');
  const pages = pagesOf({ component: 'kubelet', paths: LISTED_PATHS });
  const options = { host: nodeAddress, port: 0, certificate: { cert, key }, clientCa, client, pages };
  if (metrics === undefined) return (view) => startKubeletServer(view, { ...options, metrics: new MetricsRegistry() });
  const own = { ...options, metrics, systemLogs: SYSTEM_LOGS };
  return (view) =>
    startKubeletServer(view, { ...own, port: KUBELET_PORT }).catch((error: NodeJS.ErrnoException) => {
      // Another cluster of this machine has it.
      if (error.code !== 'EADDRINUSE') throw error;
      return startKubeletServer(view, own);
    });
}

async function clientOf(
  surroundings: Surroundings,
  certificateName: LeafName,
  component: string = certificateName,
): Promise<Client> {
  const { certificate } = (await surroundings.pki.read(certificateName))!;
  return new Client({
    ...common(surroundings, component),
    transport: surroundings.connect(certificate),
  });
}

function common(
  { logger }: Surroundings,
  component: string,
): Pick<ClientOptions, 'component' | 'world' | 'compression'> {
  return { component, world: systemWorld(logger), compression: false };
}
