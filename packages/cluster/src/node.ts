import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import type { ServerFactory } from '@keelson/kubelet';
import type { CgroupSettings } from '@keelson/kubelet/policies';
import { StartupError } from './startup-error.ts';

/** What a node runs containers with: `containerd 2.1.9`, or nothing at all. */
export type NodeKind = typeof SIMULATED | `${string} ${string}`;

/** For a runtime that listens to say what it is. */
const ANSWER_MS = 2_000;

/** In place of a runtime's address: there is none, and pods run without containers. */
export const SIMULATED = 'simulated';

/** Where containerd listens, unless it is told otherwise. */
const CONTAINERD = 'unix:///run/containerd/containerd.sock';

/** What a node runs containers with, and how that is reached. */
export interface NodeRuntime {
  readonly kind: NodeKind;
  readonly endpoint: string;
}

/**
 * What this machine's node runs containers with.
 * @param asked the address of a runtime, which then has to answer, or {@link SIMULATED}; undefined: containerd where it does
 * @throws StartupError
 */
export async function findRuntime(asked: string | undefined): Promise<NodeRuntime> {
  const endpoint = asked ?? CONTAINERD;
  const found = endpoint === SIMULATED ? SIMULATED : await askRuntime(endpoint);
  if (!(found instanceof StartupError)) return { kind: found, endpoint };
  if (asked !== undefined) throw found;
  return { kind: SIMULATED, endpoint };
}

/** @returns what it says of itself, or why there is none */
async function askRuntime(endpoint: string): Promise<NodeKind | StartupError> {
  const none = (why: string, remedy: string) =>
    new StartupError(
      `no container runtime at ${endpoint}: ${why}`,
      `${remedy}, or run pods without containers by --container-runtime-endpoint=${SIMULATED}`,
    );
  const start = 'start containerd or CRI-O, or correct --container-runtime-endpoint';
  if (!existsSync(endpoint.replace(/^unix:\/\//, ''))) return none('there is no such socket', start);
  if (process.getuid?.() !== 0) return none('containers take root', 'start this as root');
  const { CriRuntime } = await import('@keelson/kubelet/runtime/cri/runtime');
  const runtime = new CriRuntime(endpoint, { timeoutMs: ANSWER_MS });
  try {
    const { name, version } = await runtime.version();
    return `${name} ${version}`;
  } catch (error) {
    return none((error as Error).message, start);
  } finally {
    await runtime.close();
  }
}

export interface NodeSettings {
  /** As {@link findRuntime} is asked. */
  readonly runtimeEndpoint: string | undefined;
  /** Addresses of DNS servers for pods; none for those of {@link dns}, or else the machine's own. */
  readonly clusterDns: readonly string[];
  /** Where the runtime looks for networks of pods. */
  readonly cniFolder: string;
  /** Whether the addresses of services lead to their endpoints by rules of this process. */
  readonly proxy: boolean;
  /** Whether this process answers for names. */
  readonly dns: boolean;
}

export interface RealNodeOptions extends Omit<NodeSettings, 'runtimeEndpoint'> {
  /** How its container runtime is reached. */
  readonly runtimeEndpoint: string;
  readonly client: Client;
  readonly server: ServerFactory;
  readonly metrics: MetricsRegistry;
  readonly nodeName: string;
  readonly nodeAddress: string;
  readonly rootDirectory: string;
}

/** This machine as a node. */
export async function startRealNode(options: RealNodeOptions): Promise<Running> {
  const [{ startKubelet, EVICTION, IMAGE_COLLECTION, parseThresholds }, { CriRuntime }] = await Promise.all([
    import('@keelson/kubelet'),
    import('@keelson/kubelet/runtime/cri/runtime'),
  ]);
  const { client, server, nodeName, nodeAddress, rootDirectory, clusterDns } = options;
  const runtime = new CriRuntime(options.runtimeEndpoint, { metrics: options.metrics });
  // Clusters of one machine would clear away each other's logs in a folder of all.
  const podLogsDirectory = join(rootDirectory, 'pod-logs');
  const nodeIps = [nodeAddress];
  return startKubelet({
    client,
    server,
    metrics: options.metrics,
    nodeName,
    runtime,
    rootDirectory,
    podLogsDirectory,
    nodeIps,
    clusterDns,
    // Whoever's machine this is may have a full disk, and images that they want to keep.
    imageCollection: { ...IMAGE_COLLECTION, highThresholdPercent: 100 },
    eviction: { ...EVICTION, thresholds: parseThresholds({ hard: { 'memory.available': '100Mi' }, ofPods: true }) },
    cgroups: ownCgroups(rootDirectory),
  });
}

/** Clusters of one machine, and a kubelet that may be on it, have theirs beside each other. */
function ownCgroups(rootDirectory: string): CgroupSettings {
  const id = createHash('sha256').update(rootDirectory).digest('hex').slice(0, 8);
  return {
    root: `/keelson-${id}`,
    ownsRoot: true,
    perQos: true,
    required: false,
    enforce: ['pods'],
    kubeReservedCgroup: '',
    systemReservedCgroup: '',
    podProcesses: -1,
  };
}
