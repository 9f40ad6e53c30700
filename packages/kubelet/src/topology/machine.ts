/** Where on the machine CPUs and memory are: as the kernel tells below `/sys` (cAdvisor's machine info). */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCpus, sorted } from '../cpus/set.ts';

export interface Cpu {
  readonly id: number;
  /** The least of the CPUs that share it: unlike the kernel's number, one of the machine. */
  readonly core: number;
  readonly socket: number;
  readonly node: number;
  /** The last one that not all of the node share; where there is none, the socket. */
  readonly cache: number;
}

export interface NumaNode {
  readonly id: number;
  readonly memoryBytes: number;
  /** Pages by their size in bytes. */
  readonly hugePages: ReadonlyMap<number, number>;
  /** To each node, in the order of their numbers. */
  readonly distances: readonly number[];
}

export interface MachineTopology {
  readonly cpus: readonly Cpu[];
  /** In the order of their numbers. */
  readonly nodes: readonly NumaNode[];
}

/** @param sys where the kernel tells of itself. A machine that tells of no nodes is one */
export async function readTopology(memoryBytes: number, sys = '/sys'): Promise<MachineTopology> {
  const folder = join(sys, 'devices/system');
  const ids = await numbered(join(folder, 'node'), /^node(\d+)$/);
  const online = parseCpus(await text(join(folder, 'cpu/online')));
  if (ids.length === 0) {
    const cpus = await Promise.all(sorted(online).map((id) => readCpu(folder, id, 0, online.size)));
    return { cpus, nodes: [{ id: 0, memoryBytes, hugePages: new Map(), distances: [10] }] };
  }
  const nodes = await Promise.all(ids.map((id) => readNode(folder, id)));
  const cpus = await Promise.all(
    ids.map(async (node) => {
      const own = parseCpus(await text(join(folder, `node/node${node}/cpulist`)));
      const here = sorted(own).filter((id) => online.has(id));
      return Promise.all(here.map((id) => readCpu(folder, id, node, here.length)));
    }),
  );
  return { cpus: cpus.flat().sort((a, b) => a.id - b.id), nodes };
}

/** @param ofNode how many CPUs the node has */
async function readCpu(folder: string, id: number, node: number, ofNode: number): Promise<Cpu> {
  const of = (file: string) => text(join(folder, `cpu/cpu${id}/topology`, file));
  const ofCache = (file: string) => text(join(folder, `cpu/cpu${id}/cache/index3`, file));
  const [siblings, packageId, sharing, cacheId] = await Promise.all([
    of('thread_siblings_list'),
    of('physical_package_id'),
    ofCache('shared_cpu_list'),
    ofCache('id'),
  ]);
  const socket = Math.max(0, Number(packageId) || 0);
  const isOfSome = cacheId !== '' && parseCpus(sharing).size !== ofNode;
  const core = Math.min(id, ...parseCpus(siblings));
  return { id, core, socket, node, cache: isOfSome ? Number(cacheId) : socket };
}

async function readNode(folder: string, id: number): Promise<NumaNode> {
  const path = join(folder, `node/node${id}`);
  const [meminfo, distance, sizes] = await Promise.all([
    text(join(path, 'meminfo')),
    text(join(path, 'distance')),
    numbered(join(path, 'hugepages'), /^hugepages-(\d+)kB$/),
  ]);
  const pages = await Promise.all(
    sizes.map(async (size) => {
      const count = Number(await text(join(path, `hugepages/hugepages-${size}kB/nr_hugepages`)));
      return [size * 1024, count] as const;
    }),
  );
  return {
    id,
    memoryBytes: Number(/MemTotal:\s+(\d+) kB/.exec(meminfo)?.[1] ?? 0) * 1024,
    hugePages: new Map(pages),
    distances: distance.split(/\s+/).filter(Boolean).map(Number),
  };
}

async function text(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

/** The numbers in the names of what is in a folder. */
async function numbered(path: string, name: RegExp): Promise<number[]> {
  const names = await readdir(path).catch(() => []);
  return sorted(names.flatMap((each) => name.exec(each)?.[1] ?? []).map(Number));
}
