/** Puts the cgroups of a machine together, as far as there is access to them. */
import type { ObjectReference, Pod } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import type { EventRecorder, World } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { uidOf } from '../pods/spec.ts';
import { amountsOf } from '../resources/requests.ts';
import { systemFiles } from './files.ts';
import type { PodLimitOptions } from './limits.ts';
import { countedTree } from './metrics.ts';
import { type CgroupDriver, parseCgroupName, podCgroup } from './names.ts';
import { type Enforcement, NodeCgroups } from './node.ts';
import { MadeCgroups, namedCgroups, type PodCgroups } from './pods.ts';
import { findTree, type MemoryUse } from './tree.ts';

export interface CgroupSettings {
  /** Above all pods: a path that is there. Default: `/`. */
  readonly root?: string;
  /** It is made, and taken away with the last pod. */
  readonly ownsRoot?: boolean;
  /** Pods have cgroups of their own, below those of their classes; else all containers are in the root. */
  readonly perQos: boolean;
  /** Without access the kubelet does not start. */
  readonly required: boolean;
  readonly enforce: readonly Enforcement[];
  /** Where those are for whom something is kept; empty where nobody is held to it. */
  readonly kubeReservedCgroup: string;
  readonly systemReservedCgroup: string;
  /** Processes of one pod; 0 or less: any. */
  readonly podProcesses: number;
}

export interface CgroupOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  readonly settings: CgroupSettings | undefined;
  readonly driver: CgroupDriver;
  readonly reserved: Readonly<Record<'kube' | 'system', Readonly<Record<string, string>>>>;
  /** Of the machine, process numbers included. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly metrics?: MetricsRegistry | undefined;
  /** All CPUs, as a list; empty where that is for others to say. */
  readonly cpus: string;
  /** Whether limits of CPU count for a pod. */
  cpuQuota(pod: Pod): boolean;
  /** Those that run or may run. */
  pods(): readonly Pod[];
}

export interface Cgroups {
  readonly pods: PodCgroups;
  /** What all pods use together; undefined where nobody knows. */
  memory(): Promise<MemoryUse | undefined>;
  /** Puts right what pods that came and went have changed. */
  update(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error where they are required and there is no access */
export async function startCgroups(options: CgroupOptions): Promise<Cgroups> {
  const { settings, driver, world } = options;
  const root = parseCgroupName(settings?.root ?? '/');
  const named: Cgroups = {
    pods: namedCgroups(driver, (pod) =>
      settings?.perQos === false ? root : podCgroup(root, qosClass(pod), uidOf(pod)),
    ),
    memory: async () => undefined,
    update: async () => {},
    stop: async () => {},
  };
  if (!settings?.perQos) return named;
  if (driver === 'systemd') {
    world.log.info({}, 'Cgroups are made by systemd: of pods as a whole they have no limits');
    return named;
  }
  try {
    return await made(options, settings);
  } catch (error) {
    if (settings.required) throw error;
    world.log.warn({ error }, 'No access to cgroups: pods as a whole have no limits, their containers have');
    return named;
  }
}

async function made(options: CgroupOptions, settings: CgroupSettings): Promise<Cgroups> {
  const { world, reserved, capacity, cpuQuota, pods, metrics } = options;
  const root = parseCgroupName(settings.root ?? '/');
  const found = await findTree(systemFiles);
  const tree = metrics ? countedTree(found, metrics, () => performance.now()) : found;
  const node = new NodeCgroups({
    ...options,
    tree,
    root,
    ownsRoot: settings.ownsRoot ?? false,
    enforce: new Set(settings.enforce),
    kube: { amounts: amountsOf(reserved.kube), cgroup: settings.kubeReservedCgroup },
    system: { amounts: amountsOf(reserved.system), cgroup: settings.systemReservedCgroup },
    capacity: amountsOf(capacity),
    pods,
  });
  await node.start();
  const limits = (pod: Pod): PodLimitOptions => ({ cpuQuota: cpuQuota(pod), processes: settings.podProcesses });
  const changed = () => node.update();
  const kill = (id: number) => {
    // Of processes in other namespaces the kernel says 0.
    if (id > 1 && id !== process.pid) process.kill(id, 'SIGKILL');
  };
  return {
    pods: new MadeCgroups({ world, tree, root, limits, changed, kill }),
    memory: () => node.memory(),
    update: changed,
    stop: () => node.stop(),
  };
}
