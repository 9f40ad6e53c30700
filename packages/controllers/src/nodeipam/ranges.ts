/** Hands out equal parts of a range of addresses (pkg/controller/nodeipam/ipam/cidrset). */
import { type CIDR, cidrContains, formatCIDR, networkOf, parseCIDRSloppy, widthOf } from '@keelson/api/ip';

/** What may be marked at most, as upstream. */
const MAX_BITS = 16;

export class Ranges {
  readonly #whole: CIDR;
  readonly #bits: number;
  readonly #taken = new Set<bigint>();
  #next = 0n;

  /** @param bits of a part's prefix. @throws Error for parts that are larger than the whole, or too many */
  constructor(whole: CIDR, bits: number) {
    if (bits < whole.bits) throw new Error(`parts of /${bits} do not fit into ${formatCIDR(whole)}`);
    if (whole.ip.family === 'IPv6' && bits - whole.bits > MAX_BITS) {
      throw new Error(`${formatCIDR(whole)} has more than ${2 ** MAX_BITS} parts of /${bits}`);
    }
    this.#whole = { ...whole, ip: networkOf(whole) };
    this.#bits = bits;
  }

  /** @returns a part that is free, written as CIDR; undefined when none is */
  take(): string | undefined {
    const count = 1n << BigInt(this.#bits - this.#whole.bits);
    for (let tried = 0n; tried < count; tried++) {
      const index = (this.#next + tried) % count;
      if (this.#taken.has(index)) continue;
      this.#taken.add(index);
      this.#next = index + 1n;
      return this.#part(index);
    }
    return undefined;
  }

  /** Marks what somebody has. What lies outside is none of these parts. */
  occupy(text: string): void {
    for (const index of this.#indexes(text)) this.#taken.add(index);
  }

  release(text: string): void {
    for (const index of this.#indexes(text)) this.#taken.delete(index);
  }

  #part(index: bigint): string {
    const { ip } = this.#whole;
    const value = ip.value + (index << BigInt(widthOf(ip.family) - this.#bits));
    return formatCIDR({ ip: { ...ip, value }, bits: this.#bits });
  }

  *#indexes(text: string): Iterable<bigint> {
    const cidr = parseCIDRSloppy(text);
    if (!cidr || cidr.ip.family !== this.#whole.ip.family || !cidrContains(this.#whole, cidr.ip)) return;
    const shift = BigInt(widthOf(cidr.ip.family) - this.#bits);
    const first = (networkOf(cidr).value - this.#whole.ip.value) >> shift;
    const count = cidr.bits >= this.#bits ? 1n : 1n << BigInt(this.#bits - cidr.bits);
    for (let i = 0n; i < count; i++) yield first + i;
  }
}
