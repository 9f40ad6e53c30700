import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Family, ProxySettings, RunningProxy } from '@keelson/proxy';
import { StartupError } from '../startup-error.ts';

export type ServiceProxy = RunningProxy;

export interface ServiceProxyOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly settings: ProxySettings;
  readonly metrics: MetricsRegistry;
  /** Whether the rules go when the proxy does. */
  readonly clean: boolean;
}

/** For the families that the kernel serves. @throws StartupError where it serves none */
export async function startServiceProxy(options: ServiceProxyOptions): Promise<ServiceProxy> {
  const { FAMILIES, nftProblem, ProgramError, run, showsBridged, startKubeProxy, systemConntrack, systemNft } =
    await import('@keelson/proxy');
  const { log } = options.client.world;
  const nft = systemNft();
  const families: Family[] = [];
  let reason = '';
  for (const family of FAMILIES) {
    const problem = await nftProblem(nft, family);
    if (problem === undefined) families.push(family);
    else {
      reason ||= problem;
      log.info({ family, problem }, 'The kernel serves no rules of this family');
    }
  }
  if (families.length === 0) {
    throw new StartupError(`addresses of services cannot be served: ${reason}`, 'install nftables, and run as root');
  }
  const hasConntrack = await run('conntrack', ['--version']).then(
    () => true,
    (error: unknown) => !(error instanceof ProgramError),
  );
  if (!hasConntrack) log.info({}, 'There is no conntrack: flows of UDP go on to endpoints that are gone');
  if (!(await showsBridged())) {
    log.info({}, 'Bridged packets are not shown to netfilter: pods on one bridge may not reach each other by services');
  }
  return startKubeProxy({ ...options, families, nft, conntrack: hasConntrack ? systemConntrack : undefined });
}

/** Takes the rules of services away. @throws StartupError */
export async function removeRules(): Promise<void> {
  const { FAMILIES, serviceTableRemoval, systemNft } = await import('@keelson/proxy');
  const nft = systemNft();
  for (const family of FAMILIES) {
    try {
      await nft.apply(serviceTableRemoval(family));
    } catch (error) {
      throw new StartupError((error as Error).message, 'install nftables, and run as root');
    }
  }
}
