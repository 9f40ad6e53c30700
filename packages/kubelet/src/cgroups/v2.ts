/** cgroups as cgroup v2 has them: one tree (github.com/opencontainers/cgroups/fs2). */
import { unless } from '@keelson/component/files';
import { ended } from '@keelson/component/promises';
import type { CgroupFiles } from './files.ts';
import type { CgroupLimits } from './limits.ts';
import { type CgroupName, quoted } from './names.ts';
import type { CgroupTree, CurrentLimits, MemoryUse } from './tree.ts';
import { foldersOf, pathsTo, processesBelow, removeBelow } from './v1.ts';

/** What the kubelet sets something of, where the kernel has it. */
const USED = ['cpu', 'cpuset', 'hugetlb', 'memory', 'pids'];
const PERIOD_US = 100_000;

export class TreeV2 implements CgroupTree {
  readonly version = 2;
  readonly pageSizes: readonly string[];
  readonly #files: CgroupFiles;
  readonly #mount: string;
  /** Of the root: what the kernel has. */
  readonly #controllers: readonly string[];

  constructor(files: CgroupFiles, mount: string, controllers: readonly string[], pageSizes: readonly string[]) {
    this.#files = files;
    this.#mount = mount;
    this.#controllers = controllers;
    this.pageSizes = pageSizes;
  }

  async problem(name: CgroupName): Promise<string | undefined> {
    let text: string;
    try {
      text = await this.#read(name, 'cgroup.controllers');
    } catch (error) {
      return `could not read controllers for cgroup ${quoted(name)}: ${(error as Error).message}`;
    }
    const enabled = text.split(/\s+/);
    const missing = USED.filter((each) => this.#controllers.includes(each) && !enabled.includes(each));
    return missing.length > 0
      ? `cgroup ${quoted(name)} has some missing controllers: ${missing.join(', ')}`
      : undefined;
  }

  async create(name: CgroupName, limits: CgroupLimits): Promise<void> {
    let parent = this.#mount;
    for (const path of pathsTo(this.#mount, name)) {
      await this.#enable(parent);
      await this.#files.make(path);
      parent = path;
    }
    await this.update(name, limits);
  }

  async update(name: CgroupName, limits: CgroupLimits): Promise<void> {
    const write = async (file: string, value: number | bigint | string | undefined) => {
      if (value !== undefined) await this.#files.write(`${this.#path(name)}/${file}`, String(value));
    };
    const { cpuShares, cpuQuota, cpuPeriod, memory, processes, cpus, hugePages } = limits;
    await write('pids.max', processes === undefined ? undefined : Math.max(1, processes));
    await write('memory.max', memory || undefined);
    await write('cpu.weight', cpuShares ? weightOf(cpuShares) : undefined);
    const quota = cpuQuota && cpuQuota > 0 ? cpuQuota : 'max';
    await write('cpu.max', cpuQuota || cpuPeriod ? `${quota} ${cpuPeriod ?? PERIOD_US}` : undefined);
    await write('cpuset.cpus', cpus || undefined);
    if (!hugePages) return;
    for (const size of this.pageSizes) {
      const value = hugePages.get(size) ?? 0n;
      await write(`hugetlb.${size}.max`, value);
      await write(`hugetlb.${size}.rsvd.max`, value).catch(unless('ENOENT'));
    }
  }

  async limits(name: CgroupName): Promise<CurrentLimits> {
    const [weight, max, memory] = await Promise.all([
      this.#read(name, 'cpu.weight'),
      this.#read(name, 'cpu.max'),
      this.#read(name, 'memory.max'),
    ]);
    const [quota = 'max', period] = max.split(/\s+/);
    return {
      cpuShares: sharesOfWeight(Number(weight)),
      cpuQuota: unlimited(quota),
      cpuPeriod: Number(period ?? PERIOD_US),
      memory: unlimited(memory),
    };
  }

  async memory(name: CgroupName): Promise<MemoryUse> {
    const [current, limit, statistics] = await Promise.all([
      this.#read(name, 'memory.current'),
      this.#read(name, 'memory.max'),
      this.#read(name, 'memory.stat'),
    ]);
    const inactive = Number(/^inactive_file (\d+)$/m.exec(statistics)?.[1] ?? 0);
    const usage = Number(current);
    return { usage, workingSet: Math.max(0, usage - inactive), limit: unlimited(limit) };
  }

  async processes(name: CgroupName): Promise<number[]> {
    return (await processesBelow(this.#files, this.#path(name))).sort((a, b) => a - b);
  }

  children(name: CgroupName): Promise<string[]> {
    return foldersOf(this.#files, this.#path(name));
  }

  remove(name: CgroupName): Promise<void> {
    return removeBelow(this.#files, this.#path(name));
  }

  #path(name: CgroupName): string {
    return [this.#mount, ...name].join('/');
  }

  async #read(name: CgroupName, file: string): Promise<string> {
    return (await this.#files.read(`${this.#path(name)}/${file}`)).trim();
  }

  /** Children have of what their parent gives on; some of it the kernel may keep. */
  async #enable(path: string): Promise<void> {
    const file = `${path}/cgroup.subtree_control`;
    const all = this.#controllers.map((each) => `+${each}`);
    const failed = await this.#files.write(file, all.join(' ')).then(
      () => false,
      () => true,
    );
    if (failed) for (const one of all) await ended(this.#files.write(file, one));
  }
}

/** From 2 to 262144 it becomes 1 to 10000. */
export function weightOf(shares: number): number {
  return shares >= 262_144 ? 10_000 : 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

function sharesOfWeight(weight: number): number {
  return Math.floor(((weight - 1) * 262_142) / 9999) + 2;
}

const unlimited = (text: string) => (text === 'max' ? Infinity : Number(text));
