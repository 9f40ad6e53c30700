import { isIP } from 'node:net';

/** A network of addresses, such as 10.96.0.0/12. */
export interface Cidr {
  readonly family: 4 | 6;
  /** The network's first address, as a number. */
  readonly base: bigint;
  readonly prefix: number;
}

/** @returns undefined when the text is no CIDR */
export function parseCidr(text: string): Cidr | undefined {
  const [, address, prefixText] = /^([0-9a-fA-F:.]+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const family = isIP(address ?? '');
  const prefix = Number(prefixText);
  if (address === undefined || (family !== 4 && family !== 6) || prefix > bits(family)) return undefined;
  const size = BigInt(bits(family) - prefix);
  return { family, base: (addressNumber(address, family) >> size) << size, prefix };
}

/** The address `offset` after a network's first. */
export function addressAt(cidr: Cidr, offset: number): string {
  const number = cidr.base + BigInt(offset);
  if (cidr.family === 4) return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((number >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

const bits = (family: 4 | 6) => (family === 4 ? 32 : 128);

function addressNumber(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split('.').reduce((number, part) => (number << 8n) | BigInt(part), 0n);
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text = '') => text.split(':').filter((group) => group !== '');
  const zeros = Array.from(
    { length: tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length },
    () => '0',
  );
  return [...groups(head), ...zeros, ...groups(tail)].reduce(
    (number, group) => (number << 16n) | BigInt(`0x${group}`),
    0n,
  );
}
