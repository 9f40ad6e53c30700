/** How a machine becomes a node (kubeadm/app/cmd/phases/join): each step says what it wrote. */
import { dirname } from 'node:path';
import { type Client, connect, hasReason, KubeconfigError, parseKubeconfig, sleep, type World } from '@keelson/client';
import { StartupError } from '../../startup-error.ts';
import { ensureMachineAddon } from '../addons/machine.ts';
import { machineAddon } from '../addons/node-part.ts';
import type { Configuration } from '../configuration/types.ts';
import { kubeconfigText } from '../kubeconfigs.ts';
import { ensureKubeletFiles } from '../kubelet-files.ts';
import { BOOTSTRAP_KUBECONFIG, KUBECONFIG_FILES, unitFile } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import {
  type BootstrapAccess,
  bootstrapClient,
  clusterDocuments,
  findCluster,
  machineParts,
  refuseTakenName,
} from './cluster.ts';
import type { JoinConfiguration } from './configuration.ts';

/** What the steps work with. */
export interface JoinContext
  extends Pick<InstallContext, 'layout' | 'files' | 'dryRun' | 'hostname' | 'program' | 'services' | 'report'> {
  readonly join: JoinConfiguration;
  readonly world: World;
  /** The configuration of the cluster's documents. @throws StartupError */
  configurationOf(documents: Awaited<ReturnType<typeof clusterDocuments>>): Configuration;
}

/** @throws StartupError with what to do about it */
export async function joinCluster(context: JoinContext): Promise<void> {
  await preflight(context);
  const { join, world, report } = context;
  report('[discovery] looking for the cluster');
  const access = await findCluster(join, world);
  report(`[discovery] ${access.server} is the API server of a cluster that can be trusted`);
  const client = bootstrapClient(access, world);
  try {
    const { cluster } = await startKubelet(context, access, client);
    await startParts(context, access, client, cluster.clusterName);
  } finally {
    client.close();
  }
  if (context.dryRun) return report('[kubelet-wait-bootstrap] would wait for the kubelet to have its certificate');
  await waitForBootstrap(context);
  report('');
  report('This machine is a node of the cluster. See it on the control plane by: kubectl get nodes');
}

async function preflight({ files, layout, join, report }: JoinContext): Promise<void> {
  const ignored = new Set(join.node.ignorePreflightErrors.map((name) => name.toLowerCase()));
  const path = KUBECONFIG_FILES.kubelet;
  const check = 'FileAvailable--etc-kubernetes-kubelet.conf';
  if (await files.exists(path)) {
    const problem = `${check}: ${layout.local(path)} already exists`;
    if (!ignored.has('all') && !ignored.has(check.toLowerCase()))
      throw new StartupError(problem, "this machine is in a cluster already: see 'keelson reset'");
    report(`[preflight] WARNING: ${problem}`);
  }
  if (layout.root === '' && process.getuid?.() !== 0)
    throw new StartupError('IsPrivilegedUser: who installs on this machine has to be root', 'become root');
  report('[preflight] nothing stands in the way');
}

async function startKubelet(context: JoinContext, access: BootstrapAccess, client: Client): Promise<Configuration> {
  const { files, layout, join, report, services, hostname } = context;
  await refuseTakenName(client, join.node.name);
  const configuration = context.configurationOf(await clusterDocuments(client));
  report('[kubelet-start] read the configuration of the cluster from kube-system/kubeadm-config and kubelet-config');
  const text = kubeconfigText({
    clusterName: configuration.cluster.clusterName,
    server: access.server,
    certificateAuthority: access.certificateAuthority,
    user: 'tls-bootstrap-token-user',
    credentials: access.credentials,
  });
  await files.write(BOOTSTRAP_KUBECONFIG, text);
  report(`[kubelet-start] wrote ${layout.local(BOOTSTRAP_KUBECONFIG)}`);
  if (!(await files.exists(join.caCertPath))) {
    await files.write(join.caCertPath, access.certificateAuthority, 0o644);
    report(`[kubelet-start] wrote ${layout.local(join.caCertPath)}`);
  }
  await ensureKubeletFiles(
    { ...context, configuration, patches: [] },
    { node: join.node, kubelet: configuration.kubelet, hostname, registersTaints: true },
  );
  if (context.dryRun) report('[kubelet-start] would start the kubelet');
  else if (!services) report(`[kubelet-start] start the kubelet as ${layout.local(unitFile('kubelet'))} says`);
  else {
    await services.start('kubelet.service');
    report('[kubelet-start] started kubelet.service');
  }
  return configuration;
}

/** What the cluster has machines run by units, and not in pods. */
async function startParts(
  context: JoinContext,
  { server, certificateAuthority }: BootstrapAccess,
  client: Client,
  clusterName: string,
): Promise<void> {
  for (const { part, files, token } of await machineParts(client)) {
    const addon = machineAddon(part, context, context.join.node.name, files);
    await ensureMachineAddon(context, addon, { clusterName, server, certificateAuthority, account: part.name, token });
  }
}

const POLL_MS = 500;

/** The kubelet asks for its certificate by itself; the token is of no use then, and goes. */
async function waitForBootstrap(context: JoinContext): Promise<void> {
  const { join, files, layout, world, report } = context;
  const { clock } = world;
  report('[kubelet-wait-bootstrap] waiting for the kubelet to have its certificate');
  const until = clock.now() + join.timeouts.tlsBootstrap;
  try {
    for (;;) {
      const problem = await registrationProblem(context);
      if (problem === undefined) break;
      if (clock.now() >= until)
        throw new StartupError(
          `the kubelet did not join in time: ${problem}`,
          "see its log ('journalctl -xeu kubelet'), and run the command again",
        );
      await sleep(clock, POLL_MS);
    }
  } finally {
    await files.remove(BOOTSTRAP_KUBECONFIG);
  }
  report(
    `[kubelet-wait-bootstrap] ${layout.local(KUBECONFIG_FILES.kubelet)} is there, and node ${join.node.name} is registered`,
  );
}

/** @returns why the node is not there yet */
async function registrationProblem({ files, layout, join, world }: JoinContext): Promise<string | undefined> {
  const path = layout.local(KUBECONFIG_FILES.kubelet);
  const text = await files.read(KUBECONFIG_FILES.kubelet);
  if (text === undefined) return `${path} is not there`;
  let client: Client | undefined;
  try {
    client = connect(parseKubeconfig(text, dirname(path)), { component: 'keelson', world, timeoutMs: 10 * POLL_MS });
    await client.resource('nodes').get({ name: join.node.name });
    return undefined;
  } catch (error) {
    if (error instanceof KubeconfigError) return `${path}: ${error.message}`;
    return hasReason(error, 'NotFound', 'Forbidden') ? 'the node is not registered' : (error as Error).message;
  } finally {
    client?.close();
  }
}
