/** The machine that the kubelet runs on. */
import { readdir, readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, freemem, networkInterfaces, platform, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system that pods' volumes are on. */
  readonly storageBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernel: string;
  readonly osImage: string;
  /** As Go names them: `linux`, `amd64`. */
  readonly os: string;
  readonly architecture: string;
  readonly swapBytes: number;
  /** Bytes of huge pages, by the size of a page in bytes. */
  readonly hugePages: ReadonlyMap<number, number>;
}

/** @param directory of the kubelet's data. What cannot be read is empty or 0. */
export async function readMachine(directory: string): Promise<Machine> {
  const text = async (path: string) => (await readFile(path, 'utf8').catch(() => '')).trim();
  const [machineId, dbusId, systemUuid, bootId, osRelease, meminfo, disk] = await Promise.all([
    text('/etc/machine-id'),
    text('/var/lib/dbus/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    text(MEMINFO),
    statfs(directory).catch(() => undefined),
  ]);
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    storageBytes: disk ? disk.blocks * disk.bsize : 0,
    machineId: machineId || dbusId,
    systemUuid: systemUuid || machineId,
    bootId,
    kernel: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(osRelease)?.[1] ?? '',
    os: platform() === 'win32' ? 'windows' : platform(),
    architecture: { x64: 'amd64', ia32: '386' }[arch() as string] ?? arch(),
    hugePages: await hugePages(),
    swapBytes: swapIn(meminfo).totalBytes,
  };
}

export interface MachineUsage {
  /** Since the machine came up. */
  readonly cpuNanoseconds: number;
  readonly availableBytes: number;
  readonly workingSetBytes: number;
}

/** What all that runs on the machine uses. */
export function machineUsage(): MachineUsage {
  const milliseconds = cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.nice + times.irq, 0);
  const availableBytes = freemem();
  return {
    cpuNanoseconds: Math.round(milliseconds * 1e6),
    availableBytes,
    workingSetBytes: totalmem() - availableBytes,
  };
}

export interface SwapSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** What the machine has now; nothing where that cannot be read. */
export async function readSwap(): Promise<SwapSpace> {
  return swapIn(await readFile(MEMINFO, 'utf8').catch(() => ''));
}

const MEMINFO = '/proc/meminfo';

function swapIn(meminfo: string): SwapSpace {
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  return { totalBytes: bytes('SwapTotal'), freeBytes: bytes('SwapFree') };
}

const HUGE_PAGES = '/sys/kernel/mm/hugepages';

async function hugePages(): Promise<Map<number, number>> {
  const folders = await readdir(HUGE_PAGES).catch(() => []);
  const found = await Promise.all(
    folders.map(async (name) => {
      const size = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? Number.NaN) * 1024;
      const count = Number(await readFile(`${HUGE_PAGES}/${name}/nr_hugepages`, 'utf8').catch(() => '0'));
      return [size, size * count] as const;
    }),
  );
  return new Map(found.filter(([size]) => !Number.isNaN(size)));
}

/** The address by which others reach this machine, as far as it can be told: the first that is not its own alone. */
export function defaultAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
  const first = outside.find((address) => !address.includes(':')) ?? outside[0];
  return [first ?? '127.0.0.1'];
}
