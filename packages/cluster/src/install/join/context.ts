/** What the phases of joining work with. */
import type { Client, World } from '@keelson/client';
import { administratorApi, apiOnDemand } from '../api.ts';
import { configurationFor } from '../configuration/documents.ts';
import { controlPlaneUrl } from '../configuration/endpoints.ts';
import type { Configuration } from '../configuration/types.ts';
import { explained } from '../context.ts';
import type { InstallContext } from '../phase.ts';
import { type BootstrapAccess, bootstrapClient, clusterDocuments, findCluster } from './cluster.ts';
import type { JoinConfiguration } from './configuration.ts';

/** What is known of the machine before its cluster is. */
export interface JoinMachine
  extends Omit<InstallContext, 'configuration' | 'api' | 'skipTokenPrint' | 'upload' | 'clock'> {
  readonly join: JoinConfiguration;
  readonly world: World;
}

export interface JoinContext extends JoinMachine {
  /** The cluster, looked for once. @throws StartupError where it cannot be trusted, or read */
  found(): Promise<FoundCluster>;
}

export interface FoundCluster {
  readonly access: BootstrapAccess;
  /** Asks as whoever may join. */
  readonly client: Client;
  /** The machine as one that is installed with the cluster's configuration; its `api` is that of the whole control plane. */
  readonly installation: InstallContext;
}

/** `close` when all is done. */
export function joinContext(machine: JoinMachine): JoinContext & { close(): Promise<void> } {
  let found: ReturnType<typeof find> | undefined;
  const find = async (): Promise<FoundCluster & { close(): Promise<void> }> => {
    const { join, world, report } = machine;
    report('[discovery] looking for the cluster');
    const waiting = (problem: string) => report(`[discovery] still waiting: ${problem}`);
    const access = await findCluster(join, world, waiting);
    report(`[discovery] ${access.server} is the API server of a cluster that can be trusted`);
    const client = bootstrapClient(access, world);
    const configuration = await configurationOf(client, join).catch((error: unknown) => {
      client.close();
      throw error;
    });
    report('[preflight] read the configuration of the cluster from kube-system/kubeadm-config and kubelet-config');
    const { cluster, init } = configuration;
    const onDemand = apiOnDemand(machine, () =>
      administratorApi(installation, world, controlPlaneUrl(cluster, init.localApiEndpoint)),
    );
    const installation: InstallContext = {
      ...machine,
      configuration,
      clock: world.clock,
      skipTokenPrint: true,
      upload: undefined,
      api: onDemand.api,
    };
    const close = async () => {
      client.close();
      await onDemand.close();
    };
    return { access, client, installation, close };
  };
  return {
    ...machine,
    found() {
      found ??= find();
      return found;
    },
    async close() {
      await (await found?.catch(() => undefined))?.close();
    },
  };
}

async function configurationOf(client: Client, { init }: JoinConfiguration): Promise<Configuration> {
  const documents = await clusterDocuments(client);
  return explained(() => configurationFor(documents, init));
}
