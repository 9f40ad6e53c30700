/** A machine that is installed, with its cluster's configuration as it is now. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Client, connect, hasReason, parseKubeconfig, type World } from '@keelson/client';
import { ConfigObject } from '@keelson/component/configfile';
import { StartupError } from '../../startup-error.ts';
import { nodeParts } from '../addons/node-parts.ts';
import { administratorApi, apiOnDemand } from '../api.ts';
import { configurationFor, type Documents, readDocuments } from '../configuration/documents.ts';
import { decodeInit } from '../configuration/init.ts';
import type { InitConfiguration } from '../configuration/types.ts';
import { explained } from '../context.ts';
import { DiskFiles, DryRunFiles, type Files } from '../files.ts';
import { installedEndpoint, installedNodeName, installedSocket } from '../installed.ts';
import { clusterDocuments } from '../join/cluster.ts';
import { KUBECONFIG_FILES, Layout } from '../layout.ts';
import { etcdVersion, machineFacts, trustFolders } from '../machine.ts';
import { readPatches } from '../patches.ts';
import type { InstallContext } from '../phase.ts';
import { findProgram } from '../systemd/programs.ts';
import { hasSystemd, systemdServices } from '../systemd/services.ts';
import type { UpgradeConfiguration } from './configuration.ts';

export interface UpgradeRequest {
  readonly root: string;
  readonly upgrade: UpgradeConfiguration;
  /** Empty: where programs are found. */
  readonly programs: string;
  readonly path: string | undefined;
  /** What the cluster's `kubernetesVersion` is to be; undefined: as it is. */
  readonly version: string | undefined;
  readonly world: World;
  report(line: string): void;
}

export interface UpgradeContext extends InstallContext {
  readonly isControlPlane: boolean;
  /** Before. */
  readonly clusterVersion: string;
  readonly upgrade: UpgradeConfiguration;
}

/** `close` when all is done. @throws StartupError where nothing is installed, or the cluster cannot be asked */
export async function upgradeContext(request: UpgradeRequest): Promise<UpgradeContext & { close(): Promise<void> }> {
  const { world, upgrade } = request;
  const { dryRun, patchesDirectory, timeouts, ignorePreflightErrors } = upgrade;
  const layout = new Layout({ root: request.root, runHere: request.root !== '' });
  const disk = new DiskFiles(layout);
  const machine = await machineFacts();
  const endpoint = await installedEndpoint(disk);
  const init: InitConfiguration = {
    ...explained(() =>
      decodeInit(new ConfigObject(endpoint ? { localAPIEndpoint: addressOf(endpoint) } : {}), machine),
    ),
    bootstrapTokens: [],
    patchesDirectory,
    timeouts,
    dryRun,
  };
  const nodeRegistration = {
    ...init.nodeRegistration,
    name: await nodeName(disk),
    criSocket: (await installedSocket(disk)) ?? init.nodeRegistration.criSocket,
    ignorePreflightErrors,
  };
  const documents = await readCluster(disk, endpoint === undefined ? 'kubelet' : 'admin', world);
  const cluster = documents.get('ClusterConfiguration') ?? {};
  const versioned = { ...cluster, kubernetesVersion: request.version ?? cluster.kubernetesVersion };
  const configuration = explained(() =>
    configurationFor(new Map([...documents, ['ClusterConfiguration', versioned]]), { ...init, nodeRegistration }),
  );
  const report = dryRun ? (line: string) => request.report(`(dry run) ${line}`) : request.report;
  const onDemand = apiOnDemand({ dryRun, report }, () => administratorApi(context, world));
  const context: UpgradeContext = {
    configuration,
    layout,
    files: dryRun ? new DryRunFiles(disk) : disk,
    clock: world.clock,
    dryRun,
    systemd: endpoint?.systemd ?? false,
    hostname: machine.hostname,
    trustFolders: trustFolders(layout),
    etcdVersion: await etcdVersion(),
    patches: patchesDirectory === '' ? [] : await readPatches(patchesDirectory),
    program: findProgram(request.programs, request.path),
    services: layout.root === '' && !dryRun && hasSystemd() ? systemdServices : undefined,
    skipTokenPrint: true,
    upload: undefined,
    report,
    isControlPlane: endpoint !== undefined,
    clusterVersion: String(cluster.kubernetesVersion ?? ''),
    upgrade,
    api: onDemand.api,
  };
  return { ...context, close: onDemand.close };
}

const addressOf = ({ advertiseAddress, bindPort }: { advertiseAddress: string; bindPort: number }) => ({
  advertiseAddress,
  bindPort,
});

async function nodeName(files: Files): Promise<string> {
  const name = await installedNodeName(files, (file) => readFile(file, 'utf8'));
  if (name !== undefined) return name;
  throw new StartupError(
    'no node is installed on this machine: kubelet.conf names none',
    "see 'keelson init' and 'keelson join'",
  );
}

/** The documents that the cluster keeps, those of what runs on every node included where it has that. */
async function readCluster(files: Files, who: 'admin' | 'kubelet', world: World): Promise<Documents> {
  const path = KUBECONFIG_FILES[who];
  const text = await files.read(path);
  if (text === undefined)
    throw new StartupError(`${path} is not there`, `restore it, or run 'keelson init phase kubeconfig ${who}'`);
  const client = connect(parseKubeconfig(text, dirname(path)), { component: 'keelson', world });
  try {
    const documents = await clusterDocuments(client);
    return who === 'admin' ? new Map([...documents, ...(await addonDocuments(client))]) : documents;
  } finally {
    client.close();
  }
}

async function addonDocuments(client: Client): Promise<Documents> {
  const configMaps = client.resource('configmaps');
  const texts = await Promise.all(
    nodeParts.map(async ({ name }) => {
      try {
        const { data } = await configMaps.get({ namespace: 'kube-system', name });
        return data?.['config.conf'] ?? '';
      } catch (error) {
        if (hasReason(error, 'NotFound')) return '';
        throw error;
      }
    }),
  );
  return new Map(texts.flatMap((text) => [...explained(() => readDocuments(text))]));
}
