/** Addresses and ranges of both families. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export const FAMILIES = ['IPv4', 'IPv6'] as const;
export type Family = (typeof FAMILIES)[number];

/** @returns undefined for what is no address */
export const familyOf = (address: string): Family | undefined =>
  isIPv4(address) ? 'IPv4' : isIPv6(address) ? 'IPv6' : undefined;

/** @returns undefined for what is no range */
export function familyOfRange(range: string): Family | undefined {
  const [address = '', prefix = ''] = range.split('/');
  const family = familyOf(address);
  const most = family === 'IPv4' ? 32 : 128;
  return /^\d+$/.test(prefix) && Number(prefix) <= most ? family : undefined;
}

/** Whether a range is of all addresses. */
export const isEverything = (range: string): boolean => range.endsWith('/0');

/** @param ranges each known to be one */
export function contains(ranges: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, prefix] = range.split('/') as [string, string];
    list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6');
  }
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** `10.0.0.1:80`, `[fd00::1]:80` */
export const hostPort = (address: string, port: number): string =>
  isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;

/** An IPv6 address in its one short form, as the kernel shows it. */
export const canonical = (address: string): string =>
  isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
