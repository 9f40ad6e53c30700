import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import type { ServerFactory } from '@keelson/kubelet';
import type { CgroupSettings } from '@keelson/kubelet/policies';

/** What a node runs containers with: `containerd 2.1.9`, or nothing at all. */
export type NodeKind = 'simulated' | `${string} ${string}`;

/** For a runtime that listens to say what it is. */
const ANSWER_MS = 2_000;

/** Whether this process can run containers with the runtime at that address. */
export async function nodeKind(endpoint: string): Promise<NodeKind> {
  const socket = endpoint.replace(/^unix:\/\//, '');
  if (process.getuid?.() !== 0 || !existsSync(socket)) return 'simulated';
  const { CriRuntime } = await import('@keelson/kubelet/runtime/cri/runtime');
  const runtime = new CriRuntime(endpoint, { timeoutMs: ANSWER_MS });
  try {
    const { name, version } = await runtime.version();
    return `${name} ${version}`;
  } catch {
    return 'simulated';
  } finally {
    await runtime.close();
  }
}

export interface NodeSettings {
  /** How its container runtime is reached. */
  readonly runtimeEndpoint: string;
  /** Addresses of DNS servers for pods; none for those of {@link dns}, or else the machine's own. */
  readonly clusterDns: readonly string[];
  /** Where the runtime looks for networks of pods. */
  readonly cniFolder: string;
  /** Whether the addresses of services lead to their endpoints by rules of this process. */
  readonly proxy: boolean;
  /** Whether this process answers for names. */
  readonly dns: boolean;
}

export interface RealNodeOptions extends NodeSettings {
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
