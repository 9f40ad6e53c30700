/** What stands in a table of nftables, or a part of it, as values. */

export interface Chain {
  /** Where the kernel calls it: `type nat hook output priority -100`. Empty: from other chains alone. */
  readonly hook: string;
  /** In nft's language, in their order. */
  readonly rules: readonly string[];
}

/** Declares a set of addresses, or a map from them to verdicts. */
export interface Declaration {
  readonly kind: 'set' | 'map';
  /** `type ipv4_addr ; flags dynamic,timeout ; timeout 60s ;` */
  readonly body: string;
}

/** An element of a set or map. */
export interface Element {
  /** The name of the set or map. */
  readonly of: string;
  /** `10.0.0.1 . tcp . 80` */
  readonly key: string;
  /** The verdict of a map; empty in a set. */
  readonly verdict: string;
  /** Whom it is for. */
  readonly comment?: string;
}

/** All names are of one table. */
export interface Rules {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, Declaration>;
  readonly elements: readonly Element[];
}

export const NO_RULES: Rules = { chains: new Map(), sets: new Map(), elements: [] };
