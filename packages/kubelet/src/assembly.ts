/** Puts the parts of one node's kubelet together. */
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { Client, EventRecorder } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Tracing } from '@keelson/component/tracing/index';
import { ImageManager, type ImageManagerOptions } from './images/manager.ts';
import type { HookRunner } from './lifecycle/hooks.ts';
import { admit, type Rejection } from './pods/admission.ts';
import { PodManager, type PodManagerOptions } from './pods/manager.ts';
import type { PodServices } from './pods/services.ts';
import { uidOf } from './pods/spec.ts';
import { startMetrics } from './pods/start-metrics.ts';
import { WorkerMetrics } from './pods/worker-metrics.ts';
import type { Probes } from './probes/probes.ts';
import type { Runtime } from './runtime/runtime.ts';
import { StatusManager } from './status/manager.ts';
import { terminationsOf } from './status/terminations.ts';
import type { KubeletView } from './view.ts';

export interface AssemblyOptions
  extends Pick<
      PodServices,
      | 'preparer'
      | 'configurations'
      | 'podResources'
      | 'runtimeName'
      | 'crashBackoff'
      | 'isEnabled'
      | 'recursiveReadOnly'
      | 'hostIps'
      | 'networkProblem'
      | 'resyncMs'
    >,
    Pick<PodManagerOptions, 'mirrors'> {
  /** Acts as the node. */
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly runtime: Runtime;
  readonly probes: Probes;
  readonly hooks: HookRunner;
  readonly images: Pick<ImageManagerOptions, 'credentials' | 'serialize' | 'records'>;
  /** As it was seen last. */
  node(): Node | undefined;
  /** What a node asks of pods before it asks what all nodes ask. */
  alsoAdmit?(pod: Pod): Rejection | undefined;
  /** What pods are given before it is asked whether they fit. */
  readonly resources?: AdmittedResources | undefined;
  /** Where it is counted how containers end. */
  readonly metrics?: MetricsRegistry | undefined;
  readonly tracing?: Tracing | undefined;
  readonly limit?: <T>(call: () => Promise<T>) => Promise<T>;
}

export interface AdmittedResources {
  /** @returns undefined where the pod wants none */
  allocate(pod: Pod): Promise<Rejection | undefined> | undefined;
  /** The node as it is for the pod: with what pods hold, though it may not have it any more. */
  nodeFor(pod: Pod, node: Node): Node;
  /** Why the pod cannot have other amounts than it has, ever. */
  resizeProblem(pod: Pod, current: Pod): string | undefined;
}

export interface Assembly {
  readonly manager: PodManager;
  readonly services: PodServices;
  stop(): void;
}

/** The parts that make pods run, put together. Nothing is begun yet. */
export function assemble(options: AssemblyOptions): Assembly {
  const { client, recorder, runtime, limit } = options;
  const { world } = client;
  const counts = options.metrics && new WorkerMetrics(options.metrics);
  const status = new StatusManager({
    client,
    world,
    stored: (uid) => manager.stored(uid),
    mayRun: (uid) => manager.mayRun(uid),
    ...(options.metrics ? { terminations: terminationsOf(options.metrics) } : {}),
    written: (ms) => counts?.statusWritten(ms),
    ...(limit ? { limit } : {}),
  });
  const starts = options.metrics && startMetrics(options.metrics);
  const ensured = starts?.imageEnsured;
  const images = new ImageManager({ runtime, world, recorder, ensured, ...options.images });
  const services: PodServices = { ...options, world, status, images, starts, counts };
  const { resources, alsoAdmit } = options;
  const fits = (pod: Pod, others: readonly Pod[]) => {
    const node = options.node();
    return node && admit(pod, resources?.nodeFor(pod, node) ?? node, others);
  };
  const manager: PodManager = new PodManager({
    services,
    admit: (pod, others) => {
      // One that runs already was admitted once; only what it holds may have been lost.
      if (pod.status?.phase === 'Running') return resources?.allocate(pod);
      const rejection = options.node() && alsoAdmit?.(pod);
      if (rejection) return rejection;
      const allocated = resources?.allocate(pod);
      return allocated ? allocated.then((lacking) => lacking ?? fits(pod, others())) : fits(pod, others());
    },
    fits: (pod, others) => (options.node() && alsoAdmit?.(pod)) ?? fits(pod, others),
    resizeProblem: (pod, current) => resources?.resizeProblem(pod, current),
    ...(options.mirrors ? { mirrors: options.mirrors } : {}),
  });
  return {
    manager,
    services,
    stop: () => {
      manager.stop();
      status.stop();
      options.probes.stop();
    },
  };
}

/** What a server may ask. @param problems of its health */
export function viewOf(
  nodeName: string,
  { services, manager }: Pick<Assembly, 'services'> & { readonly manager: Pick<PodManager, 'pods' | 'pod'> },
  problems: () => readonly string[],
): KubeletView {
  const { runtime, world } = services;
  const state = (pod: Pod) => runtime.pod(uidOf(pod));
  return {
    nodeName,
    runtime,
    world,
    pods: () => manager.pods(),
    pod: (namespace, name, uid) => manager.pod(namespace, name, uid),
    container: async (pod, name, previous = false) => {
      const { containers } = await state(pod);
      return containers.filter(({ metadata }) => metadata.name === name)[previous ? 1 : 0];
    },
    sandbox: async (pod) => (await state(pod)).sandboxes.find((sandbox) => sandbox.state === 'ready'),
    problems,
  };
}
