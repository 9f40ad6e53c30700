/** `/stats/summary`: what the node and its pods use (k8s.io/kubelet/pkg/apis/stats/v1alpha1). */
import { uptime } from 'node:os';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { claimNameOf } from '@keelson/api/resources/volumes';
import { formatTime } from '@keelson/api/time';
import type { ContainerUsage, Figures } from '../eviction/signals.ts';
import type { DiskUsage, Filesystem } from '../node/filesystem.ts';
import { machineUsage, readSwap } from '../node/machine.ts';
import { readPressures } from '../node/stalls.ts';
import {
  type ContainerStats,
  type CpuUsage,
  type IoUsage,
  type MemoryUsage,
  type PodStats,
  type Pressure,
  type SwapUsage,
  swapOf,
} from '../runtime/stats.ts';
import type { KubeletView } from '../view.ts';

const time = (at: number) => formatTime(new Date(at));

/** The answer of `/stats/summary`. @throws Error of the runtime */
export async function summaryOf(view: KubeletView): Promise<object> {
  const now = view.world.clock.now();
  const [all, figures, swap, pressures] = await Promise.all([
    view.runtime.stats(),
    view.figures?.(),
    readSwap(),
    readPressures(),
  ]);
  const stats = new Map(all.map((each) => [each.uid, each]));
  const pods = view.pods().flatMap((pod) => {
    const own =
      stats.get(pod.metadata.annotations?.['kubernetes.io/config.hash'] ?? '') ?? stats.get(pod.metadata.uid ?? '');
    return own ? [podSummary(pod, own, now, figures)] : [];
  });
  const { cpuNanoseconds, availableBytes, workingSetBytes } = machineUsage();
  const node = {
    nodeName: view.nodeName,
    startTime: time(now - uptime() * 1000),
    cpu: { time: time(now), usageCoreNanoSeconds: cpuNanoseconds, ...psiOf(pressures.cpu) },
    memory: {
      time: time(now),
      availableBytes,
      usageBytes: workingSetBytes,
      workingSetBytes,
      ...psiOf(pressures.memory),
    },
    ...(pressures.io ? { io: ioSummary({ at: now, pressure: pressures.io }) } : {}),
    swap: swapSummary({ at: now, usedBytes: swap.totalBytes - swap.freeBytes, availableBytes: swap.freeBytes }),
    ...machineSummary(now, figures),
  };
  return { node, pods };
}

function machineSummary(now: number, { nodefs, imagefs, processes }: Partial<Figures> = {}): object {
  const image = imagefs && filesystemSummary(now, imagefs);
  return {
    ...(nodefs ? { fs: filesystemSummary(now, nodefs) } : {}),
    ...(image ? { runtime: { imageFs: image, containerFs: image } } : {}),
    ...(processes ? { rlimit: { time: time(now), maxpid: processes.max, curproc: processes.running } } : {}),
  };
}

/** @param usage of a part of it, in place of all that is used */
function filesystemSummary(now: number, filesystem: Omit<Filesystem, 'device'> | undefined, usage?: DiskUsage): object {
  const { availableBytes, capacityBytes = 0, inodesFree, inodes = 0 } = filesystem ?? {};
  return {
    time: time(now),
    ...(filesystem ? { availableBytes, capacityBytes } : {}),
    usedBytes: usage?.bytes ?? capacityBytes - (availableBytes ?? 0),
    ...(filesystem ? { inodesFree, inodes } : {}),
    inodesUsed: usage?.inodes ?? inodes - (inodesFree ?? 0),
  };
}

function claimReference(pod: Pod, name: string): object {
  const volume = pod.spec.volumes?.find((each) => each.name === name);
  const claim = volume && claimNameOf(pod, volume);
  return claim === undefined ? {} : { pvcRef: { name: claim, namespace: pod.metadata.namespace } };
}

/** Of containers that run, by their names. */
export function startTimes({ status = {} }: Pod): Map<string, string> {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status;
  return new Map(
    [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].flatMap(({ name, state }) =>
      state?.running?.startedAt ? [[name, state.running.startedAt]] : [],
    ),
  );
}

function podSummary(pod: Pod, stats: PodStats, now: number, { nodefs, imagefs, pods }: Partial<Figures> = {}): object {
  const { metadata, status } = pod;
  const usage = pods?.get(stats.uid);
  const { name, namespace, uid } = metadata;
  const started = startTimes(pod);
  const [first] = stats.network ?? [];
  const swap = swapOf(stats);
  const disksOf = (container: ContainerUsage | undefined) => ({
    ...(container?.layer ? { rootfs: filesystemSummary(now, imagefs, container.layer) } : {}),
    ...(container?.logs ? { logs: filesystemSummary(now, nodefs, container.logs) } : {}),
  });
  return {
    podRef: { name, namespace, uid },
    startTime: status.startTime ?? null,
    containers: stats.containers.map((each) => ({
      ...containerSummary(each, started.get(each.name)),
      ...disksOf(usage?.containers.find(({ name: own }) => own === each.name)),
    })),
    ...(stats.cpu ? { cpu: cpuSummary(stats.cpu) } : {}),
    ...(stats.memory ? { memory: memorySummary(stats.memory) } : {}),
    ...(stats.io ? { io: ioSummary(stats.io) } : {}),
    ...(swap ? { swap: swapSummary(swap) } : {}),
    ...(first
      ? {
          network: {
            time: time(first.at),
            ...interfaceSummary(first),
            interfaces: stats.network!.map(interfaceSummary),
          },
        }
      : {}),
    ...(usage
      ? {
          volume: [
            ...Array.from(usage.volumes, ([volume, used]) => ({
              ...filesystemSummary(now, nodefs, used),
              name: volume,
            })),
            ...Array.from(usage.own, ([volume, { filesystem, used }]) => ({
              ...filesystemSummary(now, filesystem, used),
              name: volume,
              ...claimReference(pod, volume),
            })),
          ],
          'ephemeral-storage': filesystemSummary(now, nodefs, usage.storage),
        }
      : {}),
    ...(stats.processes === undefined ? {} : { process_stats: { process_count: stats.processes } }),
  };
}

function containerSummary(
  { name, cpu, memory, io, swap, writableLayer }: ContainerStats,
  startedAt: string | null | undefined,
): object {
  return {
    name,
    startTime: startedAt ?? null,
    ...(cpu ? { cpu: cpuSummary(cpu) } : {}),
    ...(memory ? { memory: memorySummary(memory) } : {}),
    ...(io ? { io: ioSummary(io) } : {}),
    ...(swap ? { swap: swapSummary(swap) } : {}),
    ...(writableLayer ? { rootfs: { usedBytes: writableLayer.usedBytes } } : {}),
  };
}

const cpuSummary = ({ at, coreNanoseconds, nanoCores, pressure }: CpuUsage) => ({
  time: time(at),
  ...(nanoCores === undefined ? {} : { usageNanoCores: nanoCores }),
  usageCoreNanoSeconds: coreNanoseconds,
  ...psiOf(pressure),
});

const ioSummary = ({ at, pressure }: IoUsage) => ({ time: time(at), ...psiOf(pressure) });

const psiOf = (psi: Pressure | undefined) => (psi ? { psi } : {});

const memorySummary = (usage: MemoryUsage) => ({
  time: time(usage.at),
  availableBytes: usage.availableBytes,
  usageBytes: usage.usageBytes,
  workingSetBytes: usage.workingSetBytes,
  rssBytes: usage.rssBytes,
  pageFaults: usage.pageFaults,
  majorPageFaults: usage.majorPageFaults,
  ...psiOf(usage.pressure),
});

const swapSummary = ({ at, usedBytes, availableBytes }: SwapUsage) => ({
  time: time(at),
  swapAvailableBytes: availableBytes,
  swapUsageBytes: usedBytes,
});

const interfaceSummary = ({
  name,
  rxBytes,
  rxErrors,
  txBytes,
  txErrors,
}: NonNullable<PodStats['network']>[number]) => ({
  name,
  rxBytes,
  rxErrors,
  txBytes,
  txErrors,
});
