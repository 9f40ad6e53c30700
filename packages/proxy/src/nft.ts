import type { Family } from './addresses.ts';
import { protocolOf } from './rules/base.ts';
import { TABLE } from './rules/names.ts';
import type { Remembered } from './rules/table.ts';
import { ProgramError, run } from './run.ts';

/** The kernel's tables. */
export interface Nft {
  /** All of a text or nothing. @throws Error with nft's complaint */
  apply(transaction: string): Promise<void>;
  /** Whom the affinity sets remember; none where there is no table. @throws Error */
  remembered(family: Family): Promise<Remembered[]>;
}

/** By the program `nft` (Debian's nftables). @param within a command that enters another network */
export function systemNft(within: readonly string[] = []): Nft {
  const [program = '', ...first] = [...within, 'nft'];
  return {
    async apply(transaction) {
      await run(program, [...first, '-f', '-'], transaction);
    },
    async remembered(family) {
      let text: string;
      try {
        text = await run(program, [...first, '-j', 'list', 'table', protocolOf(family), TABLE]);
      } catch (error) {
        if (error instanceof ProgramError && error.code === 1) return [];
        throw error;
      }
      return parseRemembered(text);
    },
  };
}

/** What it lacks to work for a family; undefined: nothing. */
export async function nftProblem(nft: Nft, family: Family): Promise<string | undefined> {
  const table = `${protocolOf(family)} keelson-check`;
  const rules = [
    `add table ${table}`,
    `add map ${table} m { type inet_proto . inet_service : verdict ; }`,
    `add chain ${table} c { type nat hook prerouting priority -100 ; }`,
    `add rule ${table} c fib daddr type local meta l4proto . th dport vmap @m`,
    `delete table ${table}`,
  ];
  try {
    await nft.apply(`${rules.join('\n')}\n`);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

interface Listing {
  readonly nftables: readonly { readonly set?: { readonly name: string; readonly elem?: readonly unknown[] } }[];
}

/** What `nft -j list table` says of affinity sets. */
export function parseRemembered(listing: string): Remembered[] {
  const { nftables } = JSON.parse(listing) as Listing;
  return nftables.flatMap(({ set }) =>
    set?.name.startsWith('affinity-')
      ? (set.elem ?? []).flatMap((element) => {
          const { elem } = element as { elem?: { val: string; expires?: number } };
          return elem?.expires ? [{ set: set.name, address: elem.val, expires: elem.expires }] : [];
        })
      : [],
  );
}
