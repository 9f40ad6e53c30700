import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type Running, together } from '@keelson/component/running';
import type { CniSettings, TunnelSettings } from '@keelson/pod-network';
import type { Endpoint } from '../kube-proxy/configuration.ts';
import { StartupError } from '../startup-error.ts';
import { healthOf, metricsOf, servePort } from './ports.ts';

export interface NodeNetworkOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly cni: CniSettings;
  readonly tunnel: TunnelSettings;
  /** libcni's, in which the runtime notes what addresses pods have. */
  readonly cniCacheFolder: string;
  readonly metrics: MetricsRegistry;
  /** Undefined: there is no such port. */
  readonly ports: Readonly<Record<'healthz' | 'metrics', Endpoint | undefined>>;
  /** What `/flagz` shows; without them there is none. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** By the programs of this machine. @throws StartupError where one is missing, or has no right to do it */
export async function startNodeNetwork(options: NodeNetworkOptions): Promise<Running> {
  const { NetworkStatus, startPodNetwork, startPolicies, systemKernel } = await import('@keelson/pod-network');
  const { nftProblem, systemNft } = await import('@keelson/proxy');
  const kernel = systemKernel();
  const problem =
    (await nftProblem(systemNft(), 'IPv4')) ??
    (await kernel.routes('IPv4').then(
      () => undefined,
      (error: Error) => error.message,
    ));
  if (problem !== undefined)
    throw new StartupError(
      `pods cannot be joined to a network: ${problem}`,
      'install iproute2 and nftables, and run as root',
    );
  const { log, clock } = options.client.world;
  const status = new NetworkStatus(options.metrics, () => clock.now());
  const policies = startPolicies({ ...options, kernel, status });
  return together([
    startPodNetwork({ ...options, kernel, status, guarded: policies.written }),
    policies,
    ...(await servePort(options.ports.healthz, healthOf(status), log)),
    ...(await servePort(options.ports.metrics, metricsOf(options.metrics, options.flags), log)),
  ]);
}

/** Takes away what was made. @throws StartupError */
export async function removePodNetwork(cni: CniSettings): Promise<void> {
  const { removePodNetwork: remove, systemKernel } = await import('@keelson/pod-network');
  try {
    await remove(systemKernel(), cni);
  } catch (error) {
    throw new StartupError((error as Error).message, 'install iproute2 and nftables, and run as root');
  }
}
