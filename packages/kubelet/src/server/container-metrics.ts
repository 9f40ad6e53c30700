/**
 * `/metrics/cadvisor`: what containers, pods and the machine use, in the families and labels of cAdvisor, as far as the
 * runtime tells (pkg/kubelet/server/server.go, containerPrometheusLabelsFunc).
 */
import { cpus } from 'node:os';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { cgroupPath, podCgroup } from '../cgroups/names.ts';
import { memoryNow } from '../eviction/figures.ts';
import { readMachine, readSwap } from '../node/machine.ts';
import { readPressures } from '../node/stalls.ts';
import { containerResources } from '../resources/linux.ts';
import type {
  ContainerStats,
  CpuUsage,
  IoUsage,
  MemoryUsage,
  NetworkUsage,
  PodStats,
  SwapUsage,
} from '../runtime/stats.ts';
import type { KubeletView } from '../view.ts';
import { expose, type TimedFamily, type TimedSample } from './exposition.ts';

type Labels = TimedSample['labels'];

/** Something of which figures are known: the machine, a pod, a container. */
interface Subject {
  readonly labels: Labels;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly io?: IoUsage | undefined;
  readonly network?: readonly NetworkUsage[] | undefined;
  readonly processes?: number | undefined;
  readonly swap?: SwapUsage | undefined;
  readonly layer?: ContainerStats['writableLayer'];
  readonly startedAt?: number | undefined;
  readonly spec?: { readonly pod: Pod; readonly container: Container } | undefined;
}

/** The whole text of one answer. @throws Error of the runtime */
export async function containerMetrics(view: KubeletView): Promise<string> {
  const now = view.world.clock.now();
  const [stats, machine, swap, root] = await Promise.all([
    view.runtime.stats(),
    readMachine('/'),
    readSwap(),
    machineSubject(now),
  ]);
  const byUid = new Map(stats.map((each) => [each.uid, each]));
  const subjects = [root, ...view.pods().flatMap((pod) => subjectsOf(pod, byUid))];
  const { bootId: boot_id, machineId: machine_id, systemUuid: system_uuid } = machine;
  const labels = { boot_id, machine_id, system_uuid };
  const families: TimedFamily[] = [
    ...usageFamilies(subjects, now),
    ...networkFamilies(subjects),
    ...pressureFamilies(subjects),
    ...limitFamilies(subjects, now),
    gauge('machine_cpu_cores', 'Processors of the machine.', [{ labels, value: machine.cpus, at: 0 }]),
    gauge('machine_memory_bytes', 'Memory of the machine.', [{ labels, value: machine.memoryBytes, at: 0 }]),
    gauge('machine_swap_bytes', 'Swap of the machine.', [{ labels, value: swap.totalBytes, at: 0 }]),
    gauge('machine_scrape_error', 'Whether figures of the machine could not be had.', [
      { labels: {}, value: 0, at: 0 },
    ]),
    gauge('container_scrape_error', 'Whether figures could not be had.', [{ labels: {}, value: 0, at: 0 }]),
  ];
  return families.map(expose).join('');
}

const NAMELESS = { container: '', image: '', name: '', namespace: '', pod: '' };

async function machineSubject(now: number): Promise<Subject> {
  const milliseconds = cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice + times.irq, 0);
  const [memory, pressures] = await Promise.all([memoryNow(), readPressures()]);
  const used = memory && memory.capacityBytes - memory.availableBytes;
  return {
    labels: { ...NAMELESS, id: '/' },
    cpu: { at: now, coreNanoseconds: milliseconds * 1e6, pressure: pressures.cpu },
    memory: used === undefined ? undefined : { at: now, workingSetBytes: used, pressure: pressures.memory },
    io: pressures.io && { at: now, pressure: pressures.io },
  };
}

function subjectsOf(pod: Pod, stats: ReadonlyMap<string, PodStats>): Subject[] {
  const { namespace = '', name = '', uid = '' } = pod.metadata;
  const own = stats.get(uid);
  if (!own) return [];
  const id = cgroupPath(podCgroup([], qosClass(pod), pod.metadata.uid ?? ''), 'cgroupfs');
  const labels = { ...NAMELESS, id, namespace, pod: name };
  const whole: Subject = {
    labels,
    cpu: own.cpu,
    memory: own.memory,
    io: own.io,
    network: own.network,
    processes: own.processes,
    startedAt: timeOf(pod.status?.startTime),
  };
  // One that has ended uses nothing.
  const live = own.containers.filter(({ cpu, memory }) => cpu || memory);
  return [whole, ...live.map((each) => containerSubject(pod, labels, each))];
}

function containerSubject(pod: Pod, labels: Labels, stats: ContainerStats): Subject {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
    ({ name }) => name === stats.name,
  );
  const specs = declaredContainers(pod.spec);
  const container = specs.find(({ name }) => name === stats.name);
  return {
    labels: {
      ...labels,
      container: stats.name,
      id: `${labels.id}/${stats.id}`,
      image: status?.image ?? '',
      name: stats.id,
    },
    cpu: stats.cpu,
    memory: stats.memory,
    io: stats.io,
    layer: stats.writableLayer,
    swap: stats.swap,
    startedAt: timeOf(status?.state.running?.startedAt),
    spec: container && { pod, container },
  };
}

const timeOf = (text: string | null | undefined) => (text ? Date.parse(text) : undefined);

const counter = (name: string, help: string, samples: TimedSample[]): TimedFamily => ({
  name,
  type: 'counter',
  help,
  samples,
});
const gauge = (name: string, help: string, samples: TimedSample[]): TimedFamily => ({
  name,
  type: 'gauge',
  help,
  samples,
});

function usageFamilies(subjects: readonly Subject[], now: number): TimedFamily[] {
  const memory = (pick: (usage: MemoryUsage) => number | undefined, more: Labels = {}) =>
    subjects.flatMap((each) => {
      const value = each.memory && pick(each.memory);
      return value === undefined ? [] : [{ labels: { ...each.labels, ...more }, value, at: each.memory!.at }];
    });
  const faults = (type: string) => ({ failure_type: type, scope: 'container' });
  return [
    counter(
      'container_cpu_usage_seconds_total',
      'Processor time that was used, in seconds of one core.',
      subjects.flatMap(({ labels, cpu }) =>
        cpu ? [{ labels: { ...labels, cpu: 'total' }, value: cpu.coreNanoseconds / 1e9, at: cpu.at }] : [],
      ),
    ),
    gauge(
      'container_memory_working_set_bytes',
      'Memory in use that the kernel cannot easily take back.',
      memory(({ workingSetBytes }) => workingSetBytes),
    ),
    gauge(
      'container_memory_usage_bytes',
      'Memory in use, whenever it was used last.',
      memory(({ usageBytes }) => usageBytes),
    ),
    gauge(
      'container_memory_rss',
      'Memory of processes, in bytes.',
      memory(({ rssBytes }) => rssBytes),
    ),
    gauge(
      'container_memory_swap',
      'Memory that the kernel has swapped out, in bytes.',
      subjects.flatMap(({ labels, swap }) =>
        swap?.usedBytes === undefined ? [] : [{ labels, value: swap.usedBytes, at: swap.at }],
      ),
    ),
    counter('container_memory_failures_total', 'Page faults.', [
      ...memory(({ pageFaults }) => pageFaults, faults('pgfault')),
      ...memory(({ majorPageFaults }) => majorPageFaults, faults('pgmajfault')),
    ]),
    gauge(
      'container_processes',
      'Processes that run.',
      known(subjects, now, ({ processes }) => processes),
    ),
    gauge(
      'container_fs_usage_bytes',
      'What was written beside volumes.',
      known(subjects, now, ({ layer }) => layer?.usedBytes, { device: '' }),
    ),
    gauge(
      'container_start_time_seconds',
      'When it was started, in seconds since 1970.',
      known(subjects, now, ({ startedAt }) => startedAt && startedAt / 1000),
    ),
    gauge(
      'container_last_seen',
      'When it was seen last, in seconds since 1970.',
      known(subjects, now, () => Math.floor(now / 1000)),
    ),
  ];
}

function known(
  subjects: readonly Subject[],
  at: number,
  pick: (subject: Subject) => number | undefined,
  more: Labels = {},
): TimedSample[] {
  return subjects.flatMap((each) => {
    const value = pick(each);
    return value === undefined ? [] : [{ labels: { ...each.labels, ...more }, value, at }];
  });
}

function networkFamilies(subjects: readonly Subject[]): TimedFamily[] {
  const of = (name: string, help: string, pick: (usage: NetworkUsage) => number) =>
    counter(
      name,
      help,
      subjects.flatMap(({ labels, network = [] }) =>
        network.map((usage) => ({ labels: { ...labels, interface: usage.name }, value: pick(usage), at: usage.at })),
      ),
    );
  return [
    of('container_network_receive_bytes_total', 'Bytes that were received.', ({ rxBytes }) => rxBytes),
    of('container_network_receive_errors_total', 'Errors while receiving.', ({ rxErrors }) => rxErrors),
    of('container_network_transmit_bytes_total', 'Bytes that were sent.', ({ txBytes }) => txBytes),
    of('container_network_transmit_errors_total', 'Errors while sending.', ({ txErrors }) => txErrors),
  ];
}

/** Only of what the kernel and the runtime tell. */
function pressureFamilies(subjects: readonly Subject[]): TimedFamily[] {
  return (['cpu', 'memory', 'io'] as const).flatMap((resource) => {
    const of = (kind: 'some' | 'full') =>
      subjects.flatMap(({ labels, [resource]: usage }) => {
        const total = usage?.pressure?.[kind].total;
        return usage && total !== undefined ? [{ labels, value: total / 1e6, at: usage.at }] : [];
      });
    const name = `container_pressure_${resource}`;
    return [
      counter(`${name}_stalled_seconds_total`, `How long nothing went on for want of ${resource}.`, of('full')),
      counter(`${name}_waiting_seconds_total`, `How long something waited for ${resource}.`, of('some')),
    ];
  });
}

function limitFamilies(subjects: readonly Subject[], now: number): TimedFamily[] {
  const of = (pick: (limits: ReturnType<typeof containerResources>) => number | undefined) =>
    known(subjects, now, ({ spec }) => spec && pick(containerResources(spec.pod, spec.container, 0)));
  return [
    gauge(
      'container_spec_cpu_period',
      'Microseconds in which the quota is counted.',
      of(({ cpuPeriod }) => cpuPeriod),
    ),
    gauge(
      'container_spec_cpu_quota',
      'Microseconds of processor time that it may have in each period.',
      of(({ cpuQuota }) => cpuQuota || undefined),
    ),
    gauge(
      'container_spec_cpu_shares',
      'Its weight beside others.',
      of(({ cpuShares }) => cpuShares),
    ),
    gauge(
      'container_spec_memory_limit_bytes',
      'Memory that it may have; 0: no limit.',
      of(({ memoryLimit }) => memoryLimit ?? 0),
    ),
  ];
}
