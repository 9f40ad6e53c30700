/** Through what the server's own connections go, as `--egress-selector-config-file` says. */
import type { EgressSelector } from '@keelson/apiserver/egress/index';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';

export interface Egress {
  readonly selector: EgressSelector;
  /** Sockets that lead to members of etcd, by their URLs; undefined where these are reached straight. */
  relays(endpoints: readonly string[]): Promise<ReadonlyMap<string, string> | undefined>;
  close(): Promise<void>;
}

/** Undefined without the flag; its code is loaded with it alone. @throws StartupError */
export async function openEgress(values: Values): Promise<Egress | undefined> {
  const path = values['egress-selector-config-file'];
  if (path === '') return undefined;
  const { EgressSelector } = await import('@keelson/apiserver/egress/index');
  const { Relays } = await import('@keelson/apiserver/egress/relay');
  try {
    const selector = EgressSelector.open(path, () => performance.now());
    const dial = selector.dialer('etcd');
    const relays = dial && (await Relays.open(dial));
    return {
      selector,
      relays: async (endpoints) => relays?.to(endpoints),
      close: async () => relays?.close(),
    };
  } catch (error) {
    throw new StartupError((error as Error).message, 'correct the file that --egress-selector-config-file names');
  }
}
