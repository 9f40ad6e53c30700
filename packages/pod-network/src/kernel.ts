/** What of the kernel makes a network of pods. */
import type { Family } from '@keelson/proxy/addresses';
import { systemNft } from '@keelson/proxy/nft';
import { run } from '@keelson/proxy/run';
import type { Route } from './plan.ts';
import { listedRoutes, PROTOCOL } from './routes.ts';

export interface Kernel {
  /** Those that this program has made. @throws ProgramError */
  routes(family: Family): Promise<Route[]>;
  /** @param lines for `ip -batch` @throws ProgramError where one of them is refused; all others are done */
  changeRoutes(family: Family, lines: readonly string[]): Promise<void>;
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
  const [program = '', ...first] = [...within, 'ip'];
  const ip = (args: readonly string[], input?: string) => run(program, [...first, ...args], input);
  return {
    routes: async (family) =>
      listedRoutes(family, await ip([flag(family), '-j', 'route', 'show', 'proto', String(PROTOCOL)])),
    changeRoutes: async (family, lines) => {
      await ip([flag(family), '-force', '-batch', '-'], `${lines.join('\n')}\n`);
    },
    applyTables: (transaction) => nft.apply(transaction),
    mtuAt: async (address) => {
      const interfaces = JSON.parse((await ip(['-j', 'address', 'show'])) || '[]') as readonly Interface[];
      return interfaces.find(({ addr_info = [] }) => addr_info.some(({ local }) => local === address))?.mtu;
    },
  };
}
