/** The configuration by which a container runtime joins pods to the node (CNI's specification, section 1). */
import { mkdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { replaceFile } from '@keelson/component/files';
import { familyOfRange } from '@keelson/proxy/addresses';

export interface CniSettings {
  /** Where the runtime looks for configurations; it takes the first by name. */
  readonly folder: string;
  /** Where addresses that pods have are noted, and the configuration is: it should not outlive the machine's start, which ends all pods. */
  readonly addressFolder: string;
}

/** What the runtime calls it. */
export const NETWORK = 'keelson';
const FILE = `10-${NETWORK}.conflist`;
const VERSION = '0.3.1';
const EVERYTHING = { IPv4: '0.0.0.0/0', IPv6: '::/0' };

/**
 * Each pod has a link of its own to the node (`ptp`), an address out of the node's ranges (`host-local`), and its ports of
 * the machine (`portmap`).
 * @param ranges of this node
 * @param mtu of the way to other nodes; undefined: the kernel's own
 */
export function cniConfiguration(
  ranges: readonly string[],
  addressFolder: string,
  mtu: number | undefined,
): Readonly<Record<string, unknown>> {
  const families = [...new Set(ranges.map((range) => familyOfRange(range)!))];
  const ipam = {
    type: 'host-local',
    dataDir: addressFolder,
    routes: families.map((family) => ({ dst: EVERYTHING[family] })),
    ranges: ranges.map((subnet) => [{ subnet }]),
  };
  return {
    cniVersion: VERSION,
    name: NETWORK,
    plugins: [
      { type: 'ptp', ipMasq: false, ...(mtu === undefined ? {} : { mtu }), ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

/**
 * Writes it whole, if it is not there already. The runtime finds a link to it: after the machine's start, which ends all pods, that
 * leads nowhere until this is called again, so that no pod is joined before.
 * @returns whether it was written
 */
export async function writeCni({ folder, addressFolder }: CniSettings, configuration: object): Promise<boolean> {
  const [path, target] = [join(folder, FILE), resolve(addressFolder, FILE)];
  const text = `${JSON.stringify(configuration, undefined, 2)}\n`;
  const [known, link] = await Promise.all([
    readFile(target, 'utf8').catch(() => undefined),
    readlink(path).catch(() => undefined),
  ]);
  if (known === text && link === target) return false;
  for (const each of [folder, addressFolder]) await mkdir(each, { recursive: true, mode: 0o755 });
  await replaceFile(target, text, 0o644);
  // Runtimes watch this folder alone, and read names that end otherwise.
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  await symlink(target, unfinished);
  await rename(unfinished, path);
  return true;
}

/** Takes away the link, and what it leads to. */
export async function removeCni({ folder }: Pick<CniSettings, 'folder'>): Promise<void> {
  const path = join(folder, FILE);
  const target = await readlink(path).catch(() => undefined);
  for (const each of [path, target]) if (each !== undefined) await rm(each, { force: true });
}
