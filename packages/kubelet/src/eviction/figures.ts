/** What the machine, the runtime and the folders of pods say of what is used (pkg/kubelet/stats). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@keelson/api/clock';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { MemoryUse } from '../cgroups/tree.ts';
import { addUsage, type DiskUsage, type Filesystem, filesystemAt, NO_USAGE, usageOf } from '../node/filesystem.ts';
import { uidOf } from '../pods/spec.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { PodStats } from '../runtime/stats.ts';
import type { MountedVolume, VolumeUsage } from '../volumes/manager.ts';
import { isLocal } from './ranking.ts';
import type { ContainerUsage, Figures, MemoryFigures, PodUsage } from './signals.ts';

export interface FiguresOptions {
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, 'stats' | 'imageFilesystems'>;
  readonly rootDirectory: string;
  readonly logsDirectory: string;
  volumes(uid: string): ReadonlyMap<string, MountedVolume>;
  podDirectory(uid: string): string;
  /** What all pods use together of what they may; undefined where nobody knows. */
  podsMemory(): Promise<MemoryUse | undefined>;
  /** How old figures of folders may be: to find them, everything in there is looked at. */
  readonly foldersMs?: number | undefined;
}

const FOLDERS_MS = 60_000;

interface Folders {
  readonly at: number;
  readonly volumes: ReadonlyMap<string, DiskUsage>;
  /** By container. */
  readonly logs: ReadonlyMap<string, DiskUsage>;
  readonly hosts: DiskUsage;
}

export class MachineFigures {
  readonly #options: FiguresOptions;
  readonly #folders = new Map<string, Folders>();
  /** Of volumes with a file system of their own. */
  readonly #measured = new Map<string, ReadonlyMap<string, VolumeUsage>>();
  readonly #measuring = new Set<string>();

  constructor(options: FiguresOptions) {
    this.#options = options;
  }

  async of(pods: readonly Pod[]): Promise<Figures> {
    const { runtime, rootDirectory, podsMemory } = this.#options;
    const [memory, ofPods, nodefs, imagefs, processes, stats] = await Promise.all([
      memoryNow(),
      podsMemory().catch(() => undefined),
      filesystemAt(rootDirectory).catch(() => undefined),
      this.imageFilesystem(),
      processesNow(),
      runtime.stats(),
    ]);
    const byUid = new Map(stats.map((each) => [each.uid, each]));
    const found = new Map<string, PodUsage>();
    for (const pod of pods) {
      const own = byUid.get(uidOf(pod));
      if (!own) continue;
      const folders = await this.#foldersOf(pod, own);
      found.set(uidOf(pod), podUsage(pod, own, folders, this.#measured.get(uidOf(pod)) ?? new Map()));
    }
    for (const uid of [...this.#folders.keys(), ...this.#measured.keys()]) {
      if (found.has(uid)) continue;
      this.#folders.delete(uid);
      this.#measured.delete(uid);
    }
    return { memory, podsMemory: ofPods && figuresOf(ofPods), nodefs, imagefs, processes, pods: found };
  }

  /** Of volumes with a file system of their own, as they were measured last: by the pod's uid, by name. */
  *volumes(): Iterable<readonly [uid: string, name: string, usage: VolumeUsage]> {
    for (const [uid, usages] of this.#measured) for (const [name, usage] of usages) yield [uid, name, usage];
  }

  /** What the runtime keeps images on; undefined where it does not say. */
  async imageFilesystem(): Promise<Filesystem | undefined> {
    const [first] = await this.#options.runtime.imageFilesystems().catch(() => []);
    return first && filesystemAt(first.mountpoint).catch(() => undefined);
  }

  /** Whoever has a volume may take as long as it likes: nobody waits for that. */
  async #measure(uid: string, volumes: ReadonlyMap<string, MountedVolume>): Promise<void> {
    if (this.#measuring.has(uid)) return;
    this.#measuring.add(uid);
    const found = new Map<string, VolumeUsage>();
    for (const [name, { measure }] of volumes) {
      const usage = await measure?.().catch(() => undefined);
      if (usage) found.set(name, usage);
    }
    this.#measuring.delete(uid);
    this.#measured.set(uid, found);
  }

  async #foldersOf(pod: Pod, { containers }: PodStats): Promise<Folders> {
    const { clock, foldersMs = FOLDERS_MS, volumes, podDirectory, logsDirectory } = this.#options;
    const uid = uidOf(pod);
    const known = this.#folders.get(uid);
    const at = clock.now();
    if (known && at - known.at < foldersMs) return known;
    const paths = volumes(uid);
    void this.#measure(uid, paths);
    const own = (pod.spec?.volumes ?? []).filter((volume) => isLocal(volume) || volume.emptyDir);
    const { namespace, name } = pod.metadata;
    const logs = join(logsDirectory, `${namespace}_${name}_${uid}`);
    const found: Folders = {
      at,
      volumes: await each(
        own,
        ({ name: volume }) => volume,
        async (volume) => {
          const path = paths.get(volume)?.path;
          return path ? usageOf(path) : NO_USAGE;
        },
      ),
      logs: await each(
        containers,
        (container) => container.name,
        (container) => usageOf(join(logs, container)),
      ),
      hosts: await usageOf(join(podDirectory(uid), 'etc-hosts')),
    };
    this.#folders.set(uid, found);
    return found;
  }
}

function figuresOf({ limit, workingSet }: MemoryUse): MemoryFigures | undefined {
  return Number.isFinite(limit) ? { capacityBytes: limit, availableBytes: Math.max(0, limit - workingSet) } : undefined;
}

/** One after the other: they are on the same disk. */
async function each<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  measure: (name: string) => Promise<DiskUsage>,
): Promise<Map<string, DiskUsage>> {
  const found = new Map<string, DiskUsage>();
  for (const item of items) found.set(nameOf(item), await measure(nameOf(item)));
  return found;
}

function podUsage({ spec }: Pod, stats: PodStats, { volumes, logs, hosts }: Folders, own: PodUsage['own']): PodUsage {
  const containers = stats.containers.map(
    ({ name, memory, writableLayer: layer }): ContainerUsage => ({
      name,
      memoryBytes: memory?.workingSetBytes,
      layer: layer && { bytes: layer.usedBytes, inodes: layer.usedInodes },
      logs: logs.get(name),
    }),
  );
  const local = (spec?.volumes ?? []).filter(isLocal).map(({ name }) => volumes.get(name));
  const parts = [...containers.flatMap((one) => (one.layer ? [one.layer, one.logs] : [])), ...local, hosts];
  return {
    memoryBytes: stats.memory?.workingSetBytes ?? sum(containers.map(({ memoryBytes }) => memoryBytes)),
    processes: stats.processes,
    containers,
    volumes,
    own,
    storage: parts.reduce<DiskUsage>((total, part) => (part ? addUsage(total, part) : total), NO_USAGE),
  };
}

function sum(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, number) => total + number, 0);
}

/** What is not free is in use, but for files that were read long ago: the kernel lets go of them first. */
export async function memoryNow(): Promise<Figures['memory']> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const bytes = (name: string) => {
    const start = text.indexOf(`\n${name}:`) + 1;
    return start === 0 && !text.startsWith(`${name}:`)
      ? Number.NaN
      : Number.parseInt(text.slice(start + name.length + 1), 10) * 1024;
  };
  const [capacityBytes, free, inactive] = [bytes('MemTotal'), bytes('MemFree'), bytes('Inactive(file)')];
  if (Number.isNaN(capacityBytes + free)) return undefined;
  return { capacityBytes, availableBytes: Math.min(capacityBytes, free + (inactive || 0)) };
}

/** Threads count, as they use the same numbers. */
export async function processesNow(): Promise<Figures['processes']> {
  const number = async (path: string, pattern: RegExp) => {
    const text = await readFile(path, 'utf8').catch(() => '');
    return Number(pattern.exec(text)?.[1] ?? Number.NaN);
  };
  const [running, threads, pids] = await Promise.all([
    number('/proc/loadavg', /\/(\d+)/),
    number('/proc/sys/kernel/threads-max', /(\d+)/),
    number('/proc/sys/kernel/pid_max', /(\d+)/),
  ]);
  const max = Math.min(threads, pids);
  return Number.isNaN(running + max) ? undefined : { running, max };
}
