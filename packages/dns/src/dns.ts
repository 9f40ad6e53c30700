/** A name server for a cluster. */
import { readFile } from 'node:fs/promises';
import { type Client, InformerFactory } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { Cache } from './cache.ts';
import { informedDirectory } from './directory.ts';
import { Forwarder, serversOf } from './forward.ts';
import { dnsMetrics } from './metrics.ts';
import { Neighbours } from './neighbours.ts';
import { Resolver } from './resolver.ts';
import { type DnsServer, serveDns } from './server.ts';
import { Zone } from './zone.ts';

export interface DnsOptions {
  /** May list and watch namespaces, services and endpoint slices. */
  readonly client: Client;
  readonly host: string;
  /** 0: the operating system picks one. */
  readonly port: number;
  /** `cluster.local` */
  readonly domain: string;
  /** File that names the servers for all other names. */
  readonly resolvConf: string;
  /** Addresses at which pods reach this server. */
  readonly clusterDns: readonly string[];
  readonly metrics: MetricsRegistry;
}

export interface RunningDns extends DnsServer {
  /** Whether it knows all names. Until then it fails to answer, so that nobody takes a name for missing. */
  readonly isReady: boolean;
}

/** Resolves when it listens. @throws the error of listening (EADDRINUSE, EACCES) */
export async function startDns(options: DnsOptions): Promise<RunningDns> {
  const { client, host, port, domain, resolvConf, clusterDns } = options;
  const { clock, random, log } = client.world;
  const now = () => clock.now();
  const metrics = dnsMetrics(options.metrics);
  const informers = new InformerFactory(client);
  const zone = new Zone(domain, informedDirectory(informers), clusterDns);
  const own = port === 53 ? [...clusterDns, host] : clusterDns;
  const servers = async () => serversOf(await readFile(resolvConf, 'utf8'), own);
  const forwarder = new Forwarder(servers);
  const resolver = new Resolver({ zone, forwarder, cache: new Cache(now), metrics, random });
  const neighbours = new Neighbours(now);
  informers.start();
  let isReady = false;
  informers.synced().then(
    () => {
      isReady = true;
      log.info({ domain }, 'All names of the cluster are known');
    },
    () => {},
  );
  const server = await serveDns({
    host,
    port,
    admits: (address) => {
      const isNear = neighbours.has(address);
      if (!isNear) metrics.refused.with().inc();
      return isNear;
    },
    answer: (query, protocol) => resolver.answer(query, protocol, isReady),
  }).catch(async (error: unknown) => {
    await informers.stop();
    throw error;
  });
  return {
    port: server.port,
    done: server.done,
    get isReady() {
      return isReady;
    },
    stop: async () => {
      await Promise.all([server.stop(), informers.stop()]);
    },
  };
}
