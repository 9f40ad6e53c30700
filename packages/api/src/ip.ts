/** IP addresses and CIDRs as Go's net package and k8s.io/utils/net read them. */

export type IPFamily = 'IPv4' | 'IPv6';

/** An address; one that is IPv4 mapped into IPv6 counts as IPv4, as in Go's net.IP. */
export interface IP {
  readonly family: IPFamily;
  /** The address as a number. */
  readonly value: bigint;
}

export interface CIDR {
  /** As written, host bits included. */
  readonly ip: IP;
  /** Bits of the network, of 32 or 128. */
  readonly bits: number;
}

const WIDTH = { IPv4: 32, IPv6: 128 } as const;
const MAPPED = 0xffffn << 32n;

/** Bits of an address: 32 or 128. */
export function widthOf(family: IPFamily): 32 | 128 {
  return WIDTH[family];
}

/** Leading zeros are ignored, not octal. Undefined where the text is no address. */
export function parseIPSloppy(text: string): IP | undefined {
  if (!text.includes(':')) {
    const value = parseIPv4(text);
    return value === undefined ? undefined : { family: 'IPv4', value };
  }
  const value = parseIPv6(text);
  if (value === undefined) return undefined;
  return value >> 32n === 0xffffn ? { family: 'IPv4', value: value & 0xffffffffn } : { family: 'IPv6', value };
}

function parseIPv4(text: string): bigint | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (!match || text.length > 60) return undefined;
  const octets = match.slice(1).map(Number);
  if (octets.some((o) => o > 255)) return undefined;
  return octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function parseIPv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => parseGroups(half, i === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<bigint>(missing).fill(0n), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** Groups of one side of `::`; the last may be an IPv4 address. */
function parseGroups(text: string, last: boolean): bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`));
      continue;
    }
    const v4 = last && i === parts.length - 1 ? parseIPv4(part) : undefined;
    if (v4 === undefined) return undefined;
    groups.push(v4 >> 16n, v4 & 0xffffn);
  }
  return groups;
}

/** Whether the IPv4 part of an address has octets with leading zeros, which other software reads as octal. */
export function hasLeadingZeros(text: string): boolean {
  return text.includes('.') && /(?:^|[:.])0\d+(?=\.|$)/.test(text);
}

/** `::ffff:1.2.3.4`, in any spelling. */
export function isIPv4Mapped(text: string): boolean {
  return text.includes(':') && parseIPSloppy(text)?.family === 'IPv4';
}

/** The canonical text (RFC 5952 for IPv6). */
export function formatIP({ family, value }: IP): string {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  return formatIPv6(value);
}

/** Like formatIP, but an address that was written as IPv6 stays IPv6. */
export function formatAsWritten(ip: IP, text: string): string {
  if (ip.family === 'IPv4' && text.includes(':')) return `::ffff:${formatIP(ip)}`;
  return formatIP(ip);
}

function formatIPv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  let [start, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === '0') end++;
    if (end - i > length) [start, length] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** `10.0.0.0/8`; host bits may be set, leading zeros are ignored. */
export function parseCIDRSloppy(text: string): CIDR | undefined {
  const match = /^([^/]+)\/(\d{1,9})$/.exec(text);
  const ip = match && parseIPSloppy(match[1]!);
  if (!ip) return undefined;
  const mapped = isIPv4Mapped(match[1]!);
  const bits = Number(match[2]);
  if (bits > (mapped ? 128 : WIDTH[ip.family])) return undefined;
  if (!mapped) return { ip, bits };
  return bits >= 96 ? { ip, bits: bits - 96 } : { ip: { family: 'IPv6', value: MAPPED | ip.value }, bits };
}

/** The network's first address. */
export function networkOf({ ip, bits }: CIDR): IP {
  const host = BigInt(WIDTH[ip.family] - bits);
  return { family: ip.family, value: (ip.value >> host) << host };
}

/** The network's last address. */
export function lastOf({ ip, bits }: CIDR): IP {
  const host = BigInt(WIDTH[ip.family] - bits);
  return { family: ip.family, value: ((ip.value >> host) << host) | ((1n << host) - 1n) };
}

/** `10.0.0.0/8`, without host bits. */
export function formatCIDR(cidr: CIDR): string {
  return `${formatIP(networkOf(cidr))}/${cidr.bits}`;
}

export function cidrContains(cidr: CIDR, ip: IP): boolean {
  return ip.family === cidr.ip.family && networkOf(cidr).value <= ip.value && ip.value <= lastOf(cidr).value;
}

/** Go's IP.IsGlobalUnicast: private networks are global too; loopback, link-local, multicast and broadcast are not. */
export function isGlobalUnicast({ family, value }: IP): boolean {
  if (family === 'IPv4') {
    const first = value >> 24n;
    const isLinkLocal = value >> 16n === 0xa9fen;
    return value !== 0n && value !== 0xffffffffn && first !== 127n && first >> 4n !== 0xen && !isLinkLocal;
  }
  const isLinkLocal = value >> 118n === 0b1111111010n;
  return value > 1n && value >> 120n !== 0xffn && !isLinkLocal;
}
