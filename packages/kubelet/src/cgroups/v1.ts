/** cgroups as cgroup v1 has them: a tree for each controller (github.com/opencontainers/cgroups/fs). */
import { unless } from '@keelson/component/files';
import type { CgroupFiles } from './files.ts';
import type { CgroupLimits } from './limits.ts';
import { type CgroupName, quoted } from './names.ts';
import type { CgroupTree, CurrentLimits, MemoryUse } from './tree.ts';

/** Without them a cgroup is not there. */
const NEEDED = ['cpu', 'cpuacct', 'cpuset', 'hugetlb', 'memory', 'name=systemd', 'pids'];
/** What the kernel says in place of "no limit": a number of pages that no machine has. */
const UNLIMITED = 2 ** 62;

export class TreeV1 implements CgroupTree {
  /** All that a runtime makes cgroups of. */
  static readonly CONTROLLERS: ReadonlySet<string> = new Set([
    ...['cpuset', 'devices', 'memory', 'cpu', 'cpuacct', 'pids', 'blkio', 'hugetlb', 'net_cls', 'net_prio'],
    ...['perf_event', 'freezer', 'rdma', 'name=systemd'],
  ]);

  readonly version = 1;
  readonly pageSizes: readonly string[];
  readonly #files: CgroupFiles;
  /** Where each controller is mounted; some may share a place. */
  readonly #mounts: ReadonlyMap<string, string>;
  /** Where the tree of cgroup v2 is beside them: runtimes make cgroups in it, too, and leave them. */
  readonly #unified: string | undefined;

  constructor(files: CgroupFiles, mounts: ReadonlyMap<string, string>, pageSizes: readonly string[], unified?: string) {
    this.#files = files;
    this.#mounts = mounts;
    this.#unified = unified;
    this.pageSizes = pageSizes;
  }

  async problem(name: CgroupName): Promise<string | undefined> {
    const missing: string[] = [];
    for (const controller of NEEDED) {
      const path = this.#path(controller, name);
      if (path !== undefined && !(await this.#exists(path))) missing.push(path);
    }
    return missing.length > 0
      ? `cgroup ${quoted(name)} has some missing paths: ${[...new Set(missing)].join(', ')}`
      : undefined;
  }

  async create(name: CgroupName, limits: CgroupLimits): Promise<void> {
    for (const mount of this.#places()) {
      for (const path of pathsTo(mount, name)) await this.#files.make(path);
    }
    const cpuset = this.#mounts.get('cpuset');
    if (cpuset !== undefined) await this.#inherit(pathsTo(cpuset, name), cpuset);
    await this.update(name, limits);
  }

  async update(name: CgroupName, limits: CgroupLimits): Promise<void> {
    const write = async (controller: string, file: string, value: number | bigint | string | undefined) => {
      const path = this.#path(controller, name);
      if (path !== undefined && value !== undefined) await this.#files.write(`${path}/${file}`, String(value));
    };
    await write('cpuset', 'cpuset.cpus', limits.cpus || undefined);
    if (limits.memory) await this.#limitMemory(name, limits.memory);
    await write('cpu', 'cpu.shares', limits.cpuShares || undefined);
    const { cpuQuota, cpuPeriod } = limits;
    // The kernel refuses a pair in which a child has more than its parent: what is refused first may go after the other.
    const period = () => write('cpu', 'cpu.cfs_period_us', cpuPeriod);
    const early = await period().then(
      () => true,
      (error) => {
        if (!cpuQuota) throw error;
        unless('EINVAL')(error);
        return false;
      },
    );
    await write('cpu', 'cpu.cfs_quota_us', cpuQuota || undefined);
    if (!early) await period();
    await write('pids', 'pids.max', limits.processes === undefined ? undefined : Math.max(1, limits.processes));
    if (!limits.hugePages) return;
    for (const size of this.pageSizes) {
      const value = limits.hugePages.get(size) ?? 0n;
      await write('hugetlb', `hugetlb.${size}.limit_in_bytes`, value);
      await write('hugetlb', `hugetlb.${size}.rsvd.limit_in_bytes`, value).catch(unless('ENOENT'));
    }
  }

  async limits(name: CgroupName): Promise<CurrentLimits> {
    const [cpuShares, cpuQuota, cpuPeriod, memory] = await Promise.all([
      this.#number('cpu', name, 'cpu.shares'),
      this.#number('cpu', name, 'cpu.cfs_quota_us'),
      this.#number('cpu', name, 'cpu.cfs_period_us'),
      this.#number('memory', name, 'memory.limit_in_bytes'),
    ]);
    return { cpuShares, cpuQuota: cpuQuota < 0 ? Infinity : cpuQuota, cpuPeriod, memory: unlimited(memory) };
  }

  async memory(name: CgroupName): Promise<MemoryUse> {
    const [usage, limit, statistics] = await Promise.all([
      this.#number('memory', name, 'memory.usage_in_bytes'),
      this.#number('memory', name, 'memory.limit_in_bytes'),
      this.#files.read(`${this.#path('memory', name)}/memory.stat`),
    ]);
    const inactive = Number(/^total_inactive_file (\d+)$/m.exec(statistics)?.[1] ?? 0);
    return { usage, workingSet: Math.max(0, usage - inactive), limit: unlimited(limit) };
  }

  async processes(name: CgroupName): Promise<number[]> {
    const found = new Set<number>();
    for (const mount of this.#places()) {
      for (const id of await processesBelow(this.#files, [mount, ...name].join('/'))) found.add(id);
    }
    return [...found].sort((a, b) => a - b);
  }

  async children(name: CgroupName): Promise<string[]> {
    const found = new Set<string>();
    for (const mount of this.#places()) {
      for (const child of await foldersOf(this.#files, [mount, ...name].join('/'))) found.add(child);
    }
    return [...found];
  }

  async remove(name: CgroupName): Promise<void> {
    const unified = this.#unified === undefined ? [] : [this.#unified];
    for (const mount of [...this.#places(), ...unified]) await removeBelow(this.#files, [mount, ...name].join('/'));
  }

  #places(): Set<string> {
    return new Set(this.#mounts.values());
  }

  #path(controller: string, name: CgroupName): string | undefined {
    const mount = this.#mounts.get(controller);
    return mount && [mount, ...name].join('/');
  }

  async #exists(path: string): Promise<boolean> {
    return this.#files.read(`${path}/cgroup.procs`).then(
      () => true,
      () => false,
    );
  }

  async #number(controller: string, name: CgroupName, file: string): Promise<number> {
    return Number(await this.#files.read(`${this.#path(controller, name)}/${file}`));
  }

  async #limitMemory(name: CgroupName, bytes: number): Promise<void> {
    try {
      await this.#files.write(`${this.#path('memory', name)}/memory.limit_in_bytes`, String(bytes));
    } catch (error) {
      unless('EBUSY')(error as NodeJS.ErrnoException);
      const usage = await this.#number('memory', name, 'memory.usage_in_bytes');
      const peak = await this.#number('memory', name, 'memory.max_usage_in_bytes');
      throw new Error(`unable to set memory limit to ${bytes} (current usage: ${usage}, peak usage: ${peak})`, {
        cause: error,
      });
    }
  }

  /** A cpuset begins empty, and nothing can run in it. @param paths from the top down */
  async #inherit(paths: readonly string[], root: string): Promise<void> {
    let parent = root;
    for (const path of paths) {
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if ((await this.#files.read(`${path}/${file}`)).trim() !== '') continue;
        await this.#files.write(`${path}/${file}`, (await this.#files.read(`${parent}/${file}`)).trim());
      }
      parent = path;
    }
  }
}

const unlimited = (bytes: number) => (bytes > UNLIMITED ? Infinity : bytes);

/** From the first below the mount to the last. */
export function pathsTo(mount: string, name: CgroupName): string[] {
  return name.map((_, index) => [mount, ...name.slice(0, index + 1)].join('/'));
}

/** Names of the cgroups right below one; none where it is gone. */
export async function foldersOf(files: CgroupFiles, path: string): Promise<string[]> {
  return files.folders(path).catch((error) => {
    unless('ENOENT', 'ENODEV')(error);
    return [];
  });
}

/** Processes of a cgroup and of all below it; none where it is gone. */
export async function processesBelow(files: CgroupFiles, path: string): Promise<number[]> {
  const text = await files.read(`${path}/cgroup.procs`).catch((error) => {
    unless('ENOENT', 'ENODEV')(error);
    return '';
  });
  const own = text.split('\n').filter(Boolean).map(Number);
  const below = await foldersOf(files, path);
  return [...own, ...(await Promise.all(below.map((name) => processesBelow(files, `${path}/${name}`)))).flat()];
}

/** Removes a cgroup after all below it. @throws Error of the system, as for one that still has processes */
export async function removeBelow(files: CgroupFiles, path: string): Promise<void> {
  for (const name of await foldersOf(files, path)) await removeBelow(files, `${path}/${name}`);
  await files.remove(path);
}
