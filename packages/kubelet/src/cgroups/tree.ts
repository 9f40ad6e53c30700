/** The cgroups of a machine, of either version of the kernel's interface (pkg/kubelet/cm/cgroup_manager_linux.go). */
import { basename } from 'node:path';
import { pageSize } from '../resources/huge-pages.ts';
import type { CgroupFiles } from './files.ts';
import type { CgroupLimits } from './limits.ts';
import type { CgroupName } from './names.ts';
import { TreeV1 } from './v1.ts';
import { TreeV2 } from './v2.ts';

/** Errors are those of the system, or say what the kernel does not want. */
export interface CgroupTree {
  readonly version: 1 | 2;
  /** Sizes of huge pages that can be limited. */
  readonly pageSizes: readonly string[];
  /** What is missing for it to be there, in upstream's words; undefined where nothing is. */
  problem(name: CgroupName): Promise<string | undefined>;
  /** Makes it, with those above that are not there. */
  create(name: CgroupName, limits: CgroupLimits): Promise<void>;
  update(name: CgroupName, limits: CgroupLimits): Promise<void>;
  /** Its CPU and memory; without a limit, `Infinity`. */
  limits(name: CgroupName): Promise<CurrentLimits>;
  memory(name: CgroupName): Promise<MemoryUse>;
  /** In it and below. */
  processes(name: CgroupName): Promise<number[]>;
  /** Last pieces of the names of those right below. */
  children(name: CgroupName): Promise<string[]>;
  /** Takes it away, with those below; without processes. It may be gone. */
  remove(name: CgroupName): Promise<void>;
}

export interface CurrentLimits {
  readonly cpuShares: number;
  readonly cpuQuota: number;
  readonly cpuPeriod: number;
  readonly memory: number;
}

/** Bytes. */
export interface MemoryUse {
  readonly usage: number;
  /** Without files that were read long ago. */
  readonly workingSet: number;
  /** `Infinity` where there is none. */
  readonly limit: number;
}

export const MOUNT = '/sys/fs/cgroup';
const MOUNTS = '/proc/self/mountinfo';
const NEEDED_V1 = ['cpu', 'cpuacct', 'cpuset', 'memory'];
const PAGES = '/sys/kernel/mm/hugepages';

/** The tree of this machine. @throws Error that says what is missing */
export async function findTree(files: CgroupFiles): Promise<CgroupTree> {
  const mounts = parseMounts(await files.read(MOUNTS));
  const sizes = await pageSizes(files);
  if (isRootOfAll(mounts)) {
    const controllers = (await files.read(`${MOUNT}/cgroup.controllers`)).split(/\s+/).filter(Boolean);
    return new TreeV2(files, MOUNT, controllers, controllers.includes('hugetlb') ? sizes : []);
  }
  const folders = new Map<string, string>();
  for (const { path, type, options } of mounts) {
    if (type !== 'cgroup') continue;
    for (const option of options) {
      const before = folders.get(option);
      if (before === undefined || path.length < before.length) folders.set(option, path);
    }
  }
  const missing = NEEDED_V1.filter((each) => !folders.has(each));
  if (missing.length > 0) {
    throw new Error(`system validation failed - Following Cgroup subsystem not mounted: [${missing.join(' ')}]`);
  }
  const known = new Map([...folders].filter(([name]) => TreeV1.CONTROLLERS.has(name)));
  const unified = mounts.find(({ type }) => type === 'cgroup2')?.path;
  return new TreeV1(files, known, known.has('hugetlb') ? sizes : [], unified);
}

/** Whether cgroups are one tree, as version 2 has them. */
export async function isUnified(files: CgroupFiles): Promise<boolean> {
  return isRootOfAll(parseMounts(await files.read(MOUNTS).catch(() => '')));
}

function isRootOfAll(mounts: readonly Mount[]): boolean {
  return mounts.find(({ path }) => path === MOUNT)?.type === 'cgroup2';
}

interface Mount {
  readonly path: string;
  readonly type: string;
  /** Of the file system: its controllers. */
  readonly options: readonly string[];
}

/** man 5 proc: `36 35 98:0 /root /mount options… - type source super-options` */
function parseMounts(text: string): Mount[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [type = '', , options = ''] = after.split(' ');
      return { path: before.split(' ')[4] ?? '', type, options: options.split(',') };
    });
}

async function pageSizes(files: CgroupFiles): Promise<string[]> {
  const folders = await files.folders(PAGES).catch(() => []);
  return folders.flatMap((name) => {
    const kilobytes = /^hugepages-(\d+)kB$/.exec(basename(name))?.[1];
    return kilobytes === undefined ? [] : [pageSize(BigInt(kilobytes) * 1024n)];
  });
}
