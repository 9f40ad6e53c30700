/** What others in the process may ask a kubelet: its TLS server, `keelson up`. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { World } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { Figures } from './eviction/signals.ts';
import type { ContainerStatus } from './runtime/container.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { SandboxStatus } from './runtime/sandbox.ts';

export interface KubeletView {
  /** Of the node; of the first one where many simulated nodes share a server. */
  readonly nodeName: string;
  readonly runtime: Runtime;
  readonly world: World;
  /** The pods bound to this node, static ones included, with the statuses that the kubelet knows. Never to be changed. */
  pods(): readonly Pod[];
  /** By the name that the API server has: a mirror pod's is that of the static pod. */
  pod(namespace: string, name: string, uid?: string): Pod | undefined;
  /** The newest container of a name, or the one before it. */
  container(pod: Pod, name: string, previous?: boolean): Promise<ContainerStatus | undefined>;
  /** The sandbox that the pod's containers are in; undefined where none is ready. */
  sandbox(pod: Pod): Promise<SandboxStatus | undefined>;
  /** What the machine and its pods use beside what the runtime knows; undefined where there is no machine. */
  figures?(): Promise<Figures>;
  /** How probes go, for Prometheus; undefined where there are none. */
  probeMetrics?(): Promise<string>;
  /** Folder for what containers had in memory; undefined where there is no machine. */
  readonly checkpoints?: string | undefined;
  /** What `/healthz` asks; empty means well. */
  problems(): readonly string[];
}

/** Starts the TLS server of a kubelet. Its port goes into the node's `status.daemonEndpoints`. */
export type ServerFactory = (view: KubeletView) => Promise<Running & { readonly port: number }>;
