/** Hands out equal parts of a range of addresses (pkg/controller/nodeipam/ipam/cidrset). */
import { type CIDR, cidrContains, formatCIDR, networkOf, parseCIDRSloppy, widthOf } from '@keelson/api/ip';

/** What may be marked at most, as upstream. */
const MAX_BITS = 16;

/** Is told what becomes of ranges. */
export interface RangesObserver {
  took(): void;
  /** @param others that were taken before a free one was found */
  tried(others: number): void;
  gaveBack(): void;
}

export class Ranges {
  /** As CIDR. */
  readonly name: string;
  /** How many parts there are. */
  readonly size: number;
  readonly #observer: RangesObserver | undefined;
  readonly #whole: CIDR;
  readonly #bits: number;
  readonly #taken = new Set<bigint>();
  #next = 0n;

  /** @param bits of a part's prefix. @throws Error for parts that are larger than the whole, or too many */
  constructor(whole: CIDR, bits: number, observer?: RangesObserver) {
    if (bits < whole.bits) throw new Error(`parts of /${bits} do not fit into ${formatCIDR(whole)}`);
    if (whole.ip.family === 'IPv6' && bits - whole.bits > MAX_BITS) {
      throw new Error(`${formatCIDR(whole)} has more than ${2 ** MAX_BITS} parts of /${bits}`);
    }
    this.#whole = { ...whole, ip: networkOf(whole) };
    this.name = formatCIDR(this.#whole);
    this.size = 2 ** (bits - whole.bits);
    this.#observer = observer;
    this.#bits = bits;
  }

  /** How many parts somebody has. */
  get taken(): number {
    return this.#taken.size;
  }

  /** @returns a part that is free, written as CIDR; undefined when none is */
  take(): string | undefined {
    const count = 1n << BigInt(this.#bits - this.#whole.bits);
    for (let tried = 0n; tried < count; tried++) {
      const index = (this.#next + tried) % count;
      if (this.#taken.has(index)) continue;
      this.#take(index);
      this.#observer?.tried(Number(tried));
      this.#next = index + 1n;
      return this.#part(index);
    }
    return undefined;
  }

  /** Marks what somebody has. What lies outside is none of these parts. */
  occupy(text: string): void {
    for (const index of this.#indexes(text)) this.#take(index);
  }

  release(text: string): void {
    for (const index of this.#indexes(text)) if (this.#taken.delete(index)) this.#observer?.gaveBack();
  }

  #take(index: bigint): void {
    if (this.#taken.has(index)) return;
    this.#taken.add(index);
    this.#observer?.took();
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
