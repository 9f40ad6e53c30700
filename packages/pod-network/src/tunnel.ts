/** What packets to nodes behind a router travel in: VXLAN (RFC 7348), each node an end of it (ip-link(8), bridge(8)). */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { canonical, type Family } from '@keelson/proxy/addresses';
import type { Kernel } from './kernel.ts';
import type { Peer } from './plan.ts';

/** One for each family, whose packets travel in packets of that family. */
export const DEVICES: Readonly<Record<Family, string>> = { IPv4: 'keelson-vxlan4', IPv6: 'keelson-vxlan6' };

/** Ethernet, VXLAN, UDP and IP around each packet. */
export const OVERHEAD: Readonly<Record<Family, number>> = { IPv4: 50, IPv6: 70 };

export interface Device {
  readonly id: number;
  readonly port: number;
  /** This node's, which packets leave from. */
  readonly local: string;
  readonly mac: string;
  readonly mtu: number;
  /** By which the node itself is known in it. */
  readonly addresses: readonly string[];
  readonly isUp: boolean;
  readonly learns: boolean;
}

export interface Entries {
  /** MACs, by the address that routes lead to. */
  readonly neighbours: ReadonlyMap<string, string>;
  /** Addresses of nodes, by their MACs. */
  readonly forwarding: ReadonlyMap<string, string>;
}

/** What stands for a range of pods in the tunnel: its first address, which no pod has. */
export const endOf = (range: string): string => range.slice(0, range.indexOf('/'));

/** Of a node's device: the same wherever it is asked for, and no other node's. */
export function macOf(nodeName: string): string {
  const [first = 0, ...others] = createHash('sha256').update(`vtep ${nodeName}`).digest().subarray(0, 6);
  // Of one machine, given by no manufacturer.
  const bytes = [(first & 0xfc) | 0x02, ...others];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** @param peers those that are reached through it */
export function entriesFor(peers: readonly Peer[]): Entries {
  return {
    neighbours: new Map(peers.map(({ range, nodeName }) => [endOf(range), macOf(nodeName)])),
    forwarding: new Map(peers.map(({ nodeName, address }) => [macOf(nodeName), address])),
  };
}

/**
 * Has the kernel have this device, and no other entries.
 * @param wanted undefined: there is to be none
 * @throws ProgramError
 */
export async function shapeTunnel(
  kernel: Kernel,
  family: Family,
  wanted: Device | undefined,
  peers: readonly Peer[],
): Promise<void> {
  const lines = deviceChanges(family, await kernel.device(family), wanted);
  if (lines.length > 0) await kernel.change(family, lines);
  if (wanted === undefined) return;
  const { neighbours, forwarding } = entryChanges(family, await kernel.entries(family), entriesFor(peers));
  if (forwarding.length > 0) await kernel.changeForwarding(forwarding);
  if (neighbours.length > 0) await kernel.change(family, neighbours);
}

/** @returns lines for `ip -batch`; much of a device is as it was made, so one that differs is made anew */
export function deviceChanges(family: Family, actual: Device | undefined, wanted: Device | undefined): string[] {
  if (isDeepStrictEqual(actual, wanted)) return [];
  const name = DEVICES[family];
  const whole = family === 'IPv4' ? '/32' : '/128 nodad';
  return [
    ...(actual ? [`link del ${name}`] : []),
    ...(wanted
      ? [
          `link add ${name} address ${wanted.mac} mtu ${wanted.mtu} type vxlan id ${wanted.id} dstport ${wanted.port} local ${wanted.local} nolearning`,
          `link set ${name} addrgenmode none`,
          `link set ${name} up`,
          ...wanted.addresses.map((address) => `address add ${address}${whole} dev ${name}`),
        ]
      : []),
  ];
}

/** @returns lines for `bridge -batch` and `ip -batch`: what goes, then what comes */
export function entryChanges(
  family: Family,
  actual: Entries,
  wanted: Entries,
): { readonly forwarding: string[]; readonly neighbours: string[] } {
  const name = DEVICES[family];
  const [fdb, arp] = [
    difference(actual.forwarding, wanted.forwarding),
    difference(actual.neighbours, wanted.neighbours),
  ];
  return {
    forwarding: [
      ...fdb.gone.map(([mac, node]) => `fdb del ${mac} dev ${name} dst ${node} self`),
      ...fdb.come.map(([mac, node]) => `fdb replace ${mac} dev ${name} dst ${node} self permanent`),
    ],
    neighbours: [
      ...arp.gone.map(([address]) => `neighbour del ${address} dev ${name}`),
      ...arp.come.map(([address, mac]) => `neighbour replace ${address} lladdr ${mac} dev ${name} nud permanent`),
    ],
  };
}

function difference(actual: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>) {
  return {
    gone: [...actual].filter(([key]) => !wanted.has(key)),
    come: [...wanted].filter(([key, value]) => actual.get(key) !== value),
  };
}

interface Listed {
  readonly ifname: string;
  readonly flags?: readonly string[];
  readonly mtu?: number;
  readonly address?: string;
  readonly linkinfo?: { readonly info_data?: Readonly<Record<string, unknown>> };
  readonly addr_info?: readonly { readonly local?: string; readonly scope?: string }[];
}

/** What `ip -d -j address show type vxlan` lists. */
export function listedDevice(family: Family, listing: string): Device | undefined {
  const found = (JSON.parse(listing || '[]') as readonly Listed[]).find(({ ifname }) => ifname === DEVICES[family]);
  if (found === undefined) return undefined;
  const { id, port, local, local6, learning } = found.linkinfo?.info_data ?? {};
  return {
    id: Number(id),
    port: Number(port),
    local: canonical(String(local ?? local6 ?? '')),
    mac: found.address ?? '',
    mtu: found.mtu ?? 0,
    addresses: (found.addr_info ?? []).flatMap(({ local: own, scope }) => (own && scope === 'global' ? [own] : [])),
    isUp: found.flags?.includes('UP') ?? false,
    learns: learning === true,
  };
}

interface Neighbour {
  readonly dst: string;
  readonly lladdr?: string;
}

interface Forwarding {
  readonly mac: string;
  readonly dst?: string;
}

/** What `ip -j neighbour show` and `bridge -j fdb show` list of the device. */
export function listedEntries(neighbours: string, forwarding: string): Entries {
  const known = JSON.parse(neighbours || '[]') as readonly Neighbour[];
  const behind = JSON.parse(forwarding || '[]') as readonly Forwarding[];
  return {
    neighbours: new Map(known.map(({ dst, lladdr = '' }) => [dst, lladdr])),
    forwarding: new Map(behind.flatMap(({ mac, dst }) => (dst === undefined ? [] : [[mac, dst]]))),
  };
}
