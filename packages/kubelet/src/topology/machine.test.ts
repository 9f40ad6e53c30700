import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTopology } from './machine.ts';

let sys: string;
beforeEach(async () => {
  sys = await mkdtemp(join(tmpdir(), 'sys-'));
});
afterEach(() => rm(sys, { recursive: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(sys, 'devices/system', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${text}\n`);
  }
}

it('reads where CPUs and memory are', async () => {
  await write({
    'cpu/online': '0-3',
    ...Object.fromEntries(
      [0, 1, 2, 3, 4].flatMap((id) => [
        [`cpu/cpu${id}/topology/thread_siblings_list`, id % 2 === 0 ? '0,2' : '1,3'],
        [`cpu/cpu${id}/topology/physical_package_id`, String(id % 2)],
      ]),
    ),
    'cpu/cpu1/cache/index3/id': '7',
    'cpu/cpu1/cache/index3/shared_cpu_list': '1',
    'cpu/cpu3/cache/index3/id': '7',
    'cpu/cpu3/cache/index3/shared_cpu_list': '3',
    'cpu/cpu0/cache/index3/id': '5',
    'cpu/cpu0/cache/index3/shared_cpu_list': '0,2',
    'node/node0/cpulist': '0,2,4',
    'node/node0/meminfo': 'Node 0 MemTotal:       1000 kB\nNode 0 MemFree: 1 kB',
    'node/node0/distance': '10 20',
    'node/node0/hugepages/hugepages-2048kB/nr_hugepages': '3',
    'node/node1/cpulist': '1,3',
    'node/node1/meminfo': 'Node 1 MemTotal:       2000 kB',
    'node/node1/distance': '20 10',
  });
  expect(await readTopology(1, sys)).toEqual({
    cpus: [
      { id: 0, core: 0, socket: 0, node: 0, cache: 0 },
      { id: 1, core: 1, socket: 1, node: 1, cache: 7 },
      { id: 2, core: 0, socket: 0, node: 0, cache: 0 },
      { id: 3, core: 1, socket: 1, node: 1, cache: 7 },
    ],
    nodes: [
      { id: 0, memoryBytes: 1_024_000, hugePages: new Map([[2_097_152, 3]]), distances: [10, 20] },
      { id: 1, memoryBytes: 2_048_000, hugePages: new Map(), distances: [20, 10] },
    ],
  });
});

it('takes a machine that tells of no nodes for one', async () => {
  await write({ 'cpu/online': '0-1' });
  expect(await readTopology(77, sys)).toEqual({
    cpus: [
      { id: 0, core: 0, socket: 0, node: 0, cache: 0 },
      { id: 1, core: 1, socket: 0, node: 0, cache: 0 },
    ],
    nodes: [{ id: 0, memoryBytes: 77, hugePages: new Map(), distances: [10] }],
  });
});
