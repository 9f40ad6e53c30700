/** What of the kernel makes a network of pods. */
import type { Family } from '@keelson/proxy/addresses';
import { systemNft } from '@keelson/proxy/nft';
import { ProgramError, run } from '@keelson/proxy/run';
import { listedOnLink, listedRoutes, PROTOCOL, type Route } from './routes.ts';
import { DEVICES, type Device, type Entries, listedDevice, listedEntries } from './tunnel.ts';

export interface Kernel {
  /** Those that this program has made. @throws ProgramError */
  routes(family: Family): Promise<Route[]>;
  /** Of these addresses, those with no gateway in between. @throws ProgramError */
  onLink(family: Family, addresses: readonly string[]): Promise<ReadonlySet<string>>;
  /** The tunnel's; undefined where there is none. @throws ProgramError */
  device(family: Family): Promise<Device | undefined>;
  /** What leads through it. @throws ProgramError where there is none */
  entries(family: Family): Promise<Entries>;
  /** @param lines for `ip -batch` @throws ProgramError where one of them is refused; all others are done */
  change(family: Family, lines: readonly string[]): Promise<void>;
  /** @param lines for `bridge -batch` @throws ProgramError where one of them is refused; all others are done */
  changeForwarding(lines: readonly string[]): Promise<void>;
  /** @throws ProgramError where nothing was done */
  applyTables(transaction: string): Promise<void>;
  /** Of the interface with an address; undefined where none has it. @throws ProgramError */
  mtuAt(address: string): Promise<number | undefined>;
}

interface Interface {
  readonly mtu?: number;
  readonly addr_info?: readonly { readonly local?: string }[];
}

const flag = (family: Family) => (family === 'IPv4' ? '-4' : '-6');

/** By the programs `ip` (Debian's iproute2) and `nft`. @param within a command that enters another network */
export function systemKernel(within: readonly string[] = []): Kernel {
  const nft = systemNft(within);
  const runner = (name: string) => {
    const [program = '', ...first] = [...within, name];
    return (args: readonly string[], input?: string) => run(program, [...first, ...args], input);
  };
  const [ip, bridge] = [runner('ip'), runner('bridge')];
  return {
    routes: async (family) =>
      listedRoutes(family, await ip([flag(family), '-j', 'route', 'show', 'proto', String(PROTOCOL)])),
    onLink: async (family, addresses) => {
      if (addresses.length === 0) return new Set();
      const ask = addresses.map((address) => `route get ${address}\n`).join('');
      const listing = await ip([flag(family), '-j', '-force', '-batch', '-'], ask).catch((error: unknown) => {
        // To some there is no way at all.
        if (error instanceof ProgramError && error.code !== undefined) return error.output;
        throw error;
      });
      return listedOnLink(listing);
    },
    device: async (family) => listedDevice(family, await ip(['-d', '-j', 'address', 'show', 'type', 'vxlan'])),
    entries: async (family) => {
      const device = DEVICES[family];
      return listedEntries(
        await ip([flag(family), '-j', 'neighbour', 'show', 'dev', device, 'nud', 'permanent']),
        await bridge(['-j', 'fdb', 'show', 'dev', device]),
      );
    },
    change: async (family, lines) => {
      await ip([flag(family), '-force', '-batch', '-'], `${lines.join('\n')}\n`);
    },
    changeForwarding: async (lines) => {
      await bridge(['-force', '-batch', '-'], `${lines.join('\n')}\n`);
    },
    applyTables: (transaction) => nft.apply(transaction),
    mtuAt: async (address) => {
      const interfaces = JSON.parse((await ip(['-j', 'address', 'show'])) || '[]') as readonly Interface[];
      return interfaces.find(({ addr_info = [] }) => addr_info.some(({ local }) => local === address))?.mtu;
    },
  };
}
