/** What `keelson up` has on a node with containers: a network of pods, a proxy for addresses of services, a server for their names. */
import { join, resolve } from 'node:path';
import { type Client, pause } from '@keelson/client';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type Running, together } from '@keelson/component/running';
import { servePlain } from '@keelson/component/serving/plain';
import { defaultTunnel } from '@keelson/pod-network/tunnel-settings';
import { isLoopback } from './addresses.ts';
import { announceDns, grantDns } from './dns/service.ts';
import { HEALTHZ_PORT, healthOf, METRICS_PORT, metricsOf } from './kube-proxy/ports.ts';
import { type ServiceProxy, startServiceProxy } from './kube-proxy/start.ts';
import type { NodeSettings } from './node.ts';
import { ADDRESS_FOLDER, CACHE_FOLDER, CNI_FOLDER } from './pod-network/flags.ts';
import { HEALTHZ_PORT as POD_NETWORK_HEALTHZ, METRICS_PORT as POD_NETWORK_METRICS } from './pod-network/ports.ts';
import { grantPodNetwork } from './pod-network/role.ts';
import { startNodeNetwork } from './pod-network/start.ts';
import { StartupError } from './startup-error.ts';

export interface NetworkOptions {
  /** Undefined: pods have the network that the machine has for them. */
  readonly pods: Client | undefined;
  readonly cniFolder: NodeSettings['cniFolder'];
  /** Undefined: somebody else carries traffic to services. */
  readonly proxy: Client | undefined;
  /** Undefined: pods have other name servers. */
  readonly dns: Client | undefined;
  readonly administrator: Client;
  readonly nodeName: string;
  /** By which pods reach this machine. */
  readonly nodeAddress: string;
  /** Address of the service of names. */
  readonly dnsAddress: string;
}

export interface Network extends Running {
  /** Of the name server that pods are to have; none: this machine's. */
  readonly clusterDns: readonly string[];
}

const DOMAIN = 'cluster.local';
/** Whoever asks may know whether this machine carries traffic to services; the rest is for its own users. */
const [ANYWHERE, HERE] = ['0.0.0.0', '127.0.0.1'];
/** There is one node to speak for, and who develops on it does not want to wait. */
const MIN_SYNC_MS = 200;
const RETRY_MS = 500;

/** Without nftables, and where another proxy is at work, there is neither, which is logged. */
export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const pods = options.pods ? await startPods(options, options.pods) : undefined;
  const proxy = options.proxy && (await startProxy(options, options.proxy));
  const isCarried = options.proxy === undefined || proxy !== undefined;
  // Endpoints cannot be at loopback addresses.
  const isReached = !isLoopback(options.nodeAddress);
  const dns = isCarried && isReached && options.dns ? await startNames(options, options.dns) : undefined;
  return {
    ...together([...(pods ? [pods] : []), ...(proxy ?? []), ...(dns ? [dns] : [])]),
    clusterDns: dns ? [options.dnsAddress] : [],
  };
}

async function startPods(
  { administrator, nodeName, cniFolder }: NetworkOptions,
  client: Client,
): Promise<Running | undefined> {
  const { log } = client.world;
  await grantPodNetwork(administrator).catch((error: unknown) => log.warn({ error }, 'Pods may have no network'));
  try {
    // Of several clusters on a machine each has a runtime that looks elsewhere.
    const addressFolder = cniFolder === CNI_FOLDER ? ADDRESS_FOLDER : join(ADDRESS_FOLDER, resolve(cniFolder));
    const cni = { folder: cniFolder, addressFolder };
    const ports = {
      healthz: { host: HERE, port: POD_NETWORK_HEALTHZ },
      metrics: { host: HERE, port: POD_NETWORK_METRICS },
    };
    const metrics = new MetricsRegistry();
    const tunnel = defaultTunnel;
    return await startNodeNetwork({ client, nodeName, cni, tunnel, cniCacheFolder: CACHE_FOLDER, metrics, ports });
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    log.warn({ err: error.message, remedy: error.remedy }, 'Pods have no network of the cluster');
    return undefined;
  }
}

async function startProxy({ nodeName }: NetworkOptions, client: Client): Promise<readonly Running[] | undefined> {
  const { defaultSettings } = await import('@keelson/proxy');
  const { log } = client.world;
  const settings = { ...defaultSettings, minSyncMs: MIN_SYNC_MS };
  let proxy: ServiceProxy | undefined;
  let health: Running | undefined;
  try {
    // Whoever has the port of health has the kernel's tables, too: they are not torn from another cluster's proxy.
    health = await servePlain(
      { host: ANYWHERE, port: HEALTHZ_PORT },
      healthOf(() => proxy),
    );
    const metrics = new MetricsRegistry();
    proxy = await startServiceProxy({ client, nodeName, settings, metrics, clean: true });
    const own = await servePlain({ host: HERE, port: METRICS_PORT }, metricsOf(metrics, { settings })).catch(
      (error: Error) => log.warn({ err: error.message }, 'The metrics of the proxy are not served'),
    );
    return [proxy, health, ...(own ? [own] : [])];
  } catch (error) {
    await health?.stop();
    const { message, code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      log.warn({ port: HEALTHZ_PORT }, 'Another proxy serves this machine: pods do not reach services');
    else if (!(error instanceof StartupError)) throw error;
    else log.warn({ err: message, remedy: error.remedy }, 'Pods do not reach services');
    return undefined;
  }
}

async function startNames(options: NetworkOptions, client: Client): Promise<Running | undefined> {
  const { startDns } = await import('@keelson/dns');
  const { administrator, nodeAddress, dnsAddress } = options;
  const { log, clock } = client.world;
  await grantDns(administrator).catch((error: unknown) => log.warn({ error }, 'The name server may lack rights'));
  const dns = await startDns({
    client,
    host: nodeAddress,
    port: 0,
    domain: DOMAIN,
    resolvConf: '/etc/resolv.conf',
    clusterDns: [dnsAddress],
    metrics: new MetricsRegistry(),
  });
  const stopped = new AbortController();
  const announce = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        if (await announceDns(administrator, dnsAddress, nodeAddress, dns.port)) return;
        log.info({}, 'The cluster has a name server of its own');
        return await dns.stop();
      } catch (error) {
        // The namespace is made while the server starts.
        log.debug({ error }, 'The name server is not announced yet');
        await pause(clock, RETRY_MS, stopped.signal);
      }
    }
  };
  const announced = announce();
  return {
    done: dns.done,
    stop: async () => {
      stopped.abort();
      await announced;
      await dns.stop();
    },
  };
}
