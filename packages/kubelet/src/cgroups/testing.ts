/** A kernel that has cgroups and nothing else, for tests. */
import type { CgroupFiles } from './files.ts';

interface Folder {
  readonly files: Map<string, string>;
  readonly processes: Set<number>;
}

const V1_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { 'cpu.shares': '1024', 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000' },
  cpuacct: {},
  cpuset: { 'cpuset.cpus': '', 'cpuset.mems': '' },
  memory: {
    'memory.limit_in_bytes': '9223372036854771712',
    'memory.usage_in_bytes': '0',
    'memory.max_usage_in_bytes': '0',
    'memory.stat': 'cache 0\ntotal_inactive_file 0\n',
  },
  pids: { 'pids.max': 'max' },
  hugetlb: { 'hugetlb.2MB.limit_in_bytes': '0', 'hugetlb.1GB.limit_in_bytes': '0' },
};

const V2_FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpu: { 'cpu.weight': '100', 'cpu.max': 'max 100000' },
  cpuset: { 'cpuset.cpus': '' },
  memory: { 'memory.max': 'max', 'memory.current': '0', 'memory.stat': 'anon 0\ninactive_file 0\n' },
  pids: { 'pids.max': 'max' },
  hugetlb: { 'hugetlb.2MB.max': 'max', 'hugetlb.2MB.rsvd.max': 'max', 'hugetlb.1GB.max': 'max' },
};

const ROOT = '/sys/fs/cgroup';

export class FakeKernel implements CgroupFiles {
  readonly #version: 1 | 2;
  readonly #folders = new Map<string, Folder>();
  readonly #plain = new Map<string, string>();

  constructor(version: 1 | 2, controllers: readonly string[] = Object.keys(V1_FILES)) {
    this.#version = version;
    const own = controllers.filter((each) => version === 1 || each !== 'cpuacct');
    const mounts =
      version === 2
        ? [`30 20 0:26 / ${ROOT} rw,nosuid - cgroup2 cgroup2 rw`]
        : [
            ...own.map(
              (each, index) => `${32 + index} 31 0:29 / ${ROOT}/${each} rw,relatime - cgroup cgroup rw,${each}`,
            ),
            `60 31 0:40 / ${ROOT}/unified rw,relatime - cgroup2 cgroup2 rw`,
          ];
    this.#plain.set('/proc/self/mountinfo', ['31 23 0:28 / / rw - ext4 /dev/sda rw', ...mounts, ''].join('\n'));
    if (version === 2) {
      this.#add(ROOT, own);
      this.#file(ROOT, 'cgroup.controllers', own.join(' '));
    } else for (const each of [...own, 'unified']) this.#add(`${ROOT}/${each}`, []);
    if (own.includes('cpuset') && version === 1) {
      this.#file(`${ROOT}/cpuset`, 'cpuset.cpus', '0-3');
      this.#file(`${ROOT}/cpuset`, 'cpuset.mems', '0');
    }
  }

  /** A process begins there. */
  run(path: string, processId: number): void {
    this.#folder(path).processes.add(processId);
  }

  /** It ends, wherever it is. */
  readonly kill = (processId: number): void => {
    for (const { processes } of this.#folders.values()) processes.delete(processId);
  };

  set(path: string, text: string): void {
    const [folder, file] = split(path);
    this.#file(folder, file, text);
  }

  get(path: string): string | undefined {
    const [folder, file] = split(path);
    return this.#folders.get(folder)?.files.get(file);
  }

  exists(path: string): boolean {
    return this.#folders.has(path);
  }

  async read(path: string): Promise<string> {
    const plain = this.#plain.get(path);
    if (plain !== undefined) return plain;
    const [folder, file] = split(path);
    const { files, processes } = this.#folder(folder);
    if (file === 'cgroup.procs') return [...processes, ''].join('\n');
    const text = files.get(file);
    if (text === undefined) throw fails('ENOENT', path);
    return `${text}\n`;
  }

  async write(path: string, text: string): Promise<void> {
    const [folder, file] = split(path);
    const { files, processes } = this.#folder(folder);
    if (!files.has(file)) throw fails('ENOENT', path);
    if (file === 'cgroup.subtree_control') return this.#enable(folder, text);
    if (file === 'memory.limit_in_bytes' && Number(text) < Number(files.get('memory.usage_in_bytes'))) {
      throw fails('EBUSY', path);
    }
    if (processes.size > 0 && file.startsWith('cgroup.')) throw fails('EBUSY', path);
    files.set(file, text);
  }

  async folders(path: string): Promise<string[]> {
    if (path === '/sys/kernel/mm/hugepages') return ['hugepages-2048kB', 'hugepages-1048576kB'];
    this.#folder(path);
    return [...this.#folders.keys()].flatMap((each) => {
      const rest = each.startsWith(`${path}/`) ? each.slice(path.length + 1) : '';
      return rest === '' || rest.includes('/') ? [] : [rest];
    });
  }

  async make(path: string): Promise<void> {
    if (this.#folders.has(path)) return;
    const [parent] = split(path);
    const { files } = this.#folder(parent);
    if (this.#version === 1) this.#add(path, []);
    else this.#add(path, files.get('cgroup.subtree_control')!.split(' ').filter(Boolean));
  }

  async remove(path: string): Promise<void> {
    if (!this.#folders.has(path)) return;
    const isParent = [...this.#folders.keys()].some((each) => each.startsWith(`${path}/`));
    if (isParent || this.#folder(path).processes.size > 0) throw fails('EBUSY', path);
    this.#folders.delete(path);
  }

  #add(path: string, controllers: readonly string[]): void {
    const kinds = this.#version === 1 ? [path.split('/')[ROOT.split('/').length]!] : controllers;
    const source = this.#version === 1 ? V1_FILES : V2_FILES;
    const files = new Map(kinds.flatMap((kind) => Object.entries(source[kind] ?? {})));
    if (this.#version === 2) {
      files.set('cgroup.controllers', controllers.join(' '));
      files.set('cgroup.subtree_control', '');
    }
    this.#folders.set(path, { files, processes: new Set() });
  }

  #enable(path: string, text: string): void {
    const { files } = this.#folder(path);
    const wanted = text.split(' ').map((each) => each.slice(1));
    const available = files.get('cgroup.controllers')!.split(' ');
    if (!wanted.every((each) => available.includes(each))) throw fails('ENOENT', path);
    const before = files.get('cgroup.subtree_control')!.split(' ').filter(Boolean);
    files.set('cgroup.subtree_control', [...new Set([...before, ...wanted])].join(' '));
  }

  #file(folder: string, file: string, text: string): void {
    this.#folder(folder).files.set(file, text);
  }

  #folder(path: string): Folder {
    const found = this.#folders.get(path);
    if (!found) throw fails('ENOENT', path);
    return found;
  }
}

function split(path: string): [folder: string, file: string] {
  const at = path.lastIndexOf('/');
  return [path.slice(0, at), path.slice(at + 1)];
}

function fails(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
