/** What a kubelet on containerd needs: an API server, a containerd, and clients of the administrator and of the node `real`. */
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Client, connect, loadKubeconfig, systemWorld } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { EVICTION, type KubeletOptions, startKubelet } from '@keelson/kubelet';
import type { CgroupSettings } from '@keelson/kubelet/policies';
import { CriRuntime } from '@keelson/kubelet/runtime/cri/runtime';
import { expect } from 'vitest';
import { startApiServer } from './api-server.ts';
import { type Containerd, startContainerd } from './containerd.ts';

export interface ContainerNode {
  /** For the kubelet's files; whoever passes through it sees nothing else. */
  readonly directory: string;
  /** Of the kubelet. */
  readonly rootDirectory: string;
  readonly containerd: Containerd;
  readonly runtime: CriRuntime;
  /** Cgroups of its own, for the kubelet. */
  readonly cgroups: CgroupSettings & { readonly root: string };
  readonly admin: Client;
  /** Acts as the node, which may do what nodes may. */
  readonly node: Client;
  /** Without more it evicts nobody: the machine of a test may be as full as it likes. */
  startKubelet(more?: Partial<KubeletOptions>): Promise<Running>;
  /** What a container has written, its lines as they were. */
  logs(
    pod: { readonly namespace: string; readonly name: string },
    container: string,
    attempt?: number,
  ): Promise<string>;
  /** Ends all but the kubelet. */
  stop(): Promise<void>;
}

export async function startContainerNode(): Promise<ContainerNode> {
  const directory = await mkdtemp(join(tmpdir(), 'kk-'));
  // Users of pods' own namespaces go through it.
  await chmod(directory, 0o711);
  await mkdir(join(directory, 'c'));
  const [server, containerd] = await Promise.all([
    startApiServer('memory', ['--enable-admission-plugins=NodeRestriction']),
    startContainerd(join(directory, 'c')),
  ]);
  const world = systemWorld();
  const config = await loadKubeconfig(server.kubeconfig);
  const admin = connect(config, { component: 'test', world });
  const impersonate = { user: 'system:node:real', groups: ['system:nodes'] };
  const node = connect({ ...config, impersonate }, { component: 'kubelet', world });
  await admin.resource('serviceaccounts').create({ metadata: { namespace: 'default', name: 'default' } });
  const runtime = new CriRuntime(containerd.endpoint);
  const [rootDirectory, podLogsDirectory] = [join(directory, 'root'), join(directory, 'logs')];
  return {
    directory,
    rootDirectory,
    containerd,
    runtime,
    cgroups: {
      root: `/keelson-${basename(directory)}`,
      ownsRoot: true,
      perQos: true,
      required: true,
      enforce: ['pods'],
      kubeReservedCgroup: '',
      systemReservedCgroup: '',
      podProcesses: -1,
    },
    admin,
    node,
    startKubelet: (more) =>
      startKubelet({
        client: node,
        nodeName: 'real',
        runtime,
        rootDirectory,
        podLogsDirectory,
        eviction: { ...EVICTION, thresholds: [] },
        ...more,
      }),
    logs: async ({ namespace, name }, container, attempt = 0) => {
      const { metadata } = await admin.resource('pods').get({ namespace, name });
      const path = join(podLogsDirectory, `${namespace}_${name}_${metadata.uid}`, container, `${attempt}.log`);
      return (await readFile(path, 'utf8')).replace(/^\S+ \S+ [FP] /gm, '');
    },
    stop: async () => {
      await runtime.close();
      await containerd.stop();
      admin.close();
      node.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true }).catch(() => {});
    },
  };
}

/** Polls until the expectation holds; containers take their time. */
export const soon = <T>(ask: () => Promise<T>) => expect.poll(ask, { timeout: 30_000, interval: 50 });
