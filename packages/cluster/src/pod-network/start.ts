import type { Client } from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import type { CniSettings } from '@keelson/pod-network';
import { StartupError } from '../startup-error.ts';

export interface NodeNetworkOptions {
  readonly client: Client;
  readonly nodeName: string;
  readonly cni: CniSettings;
  /** libcni's, in which the runtime notes what addresses pods have. */
  readonly cniCacheFolder: string;
}

/** By the programs of this machine. @throws StartupError where one is missing, or has no right to do it */
export async function startNodeNetwork(options: NodeNetworkOptions): Promise<Running> {
  const { startPodNetwork, startPolicies, systemKernel } = await import('@keelson/pod-network');
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
  const policies = startPolicies({ ...options, kernel });
  return together([startPodNetwork({ ...options, kernel, guarded: policies.written }), policies]);
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
