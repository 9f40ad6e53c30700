/**
 * Node ports. Which are taken stands in one object of the store, a bitmap over the range, under the key and in the form
 * that kube-apiserver uses (pkg/registry/core/service/portallocator); it is changed by compare-and-swap.
 */
import { decodeStored, encodeStored } from '@keelson/api/codec/stored';
import type { KubeObject } from '@keelson/api/object';
import { Mutex } from '@keelson/component/promises';
import type { KeyValue, Store } from '@keelson/storage/store';
import { type AllocationDeps, AllocationError, type PortRange } from './deps.ts';
import type { AllocationMetrics, Scope } from './metrics.ts';

const KEY = '/registry/ranges/servicenodeports';

/** The part of the range that dynamic allocation leaves alone as long as it can. */
const STATIC_MIN = 16;
const STATIC_MAX = 128;
const STATIC_SHARE = 32;

/** Repairs until a port that nobody has is free again. */
const PATIENCE = 3;

/** Bit n is the port base + n. */
type Bitmap = bigint;

interface StoredRange {
  readonly object: KubeObject;
  readonly range: string;
  readonly bitmap: Bitmap;
  readonly revision: number;
}

export class NodePortAllocator {
  readonly #store: Store;
  readonly #range: PortRange;
  readonly #random: () => number;
  readonly #metrics: AllocationMetrics | undefined;
  /** In how many repairs in a row nobody had a port that is taken, by bit. */
  #leaks: ReadonlyMap<number, number> = new Map();
  /** Writers of this process wait for each other rather than race. */
  readonly #changes = new Mutex();

  constructor({
    store,
    nodePortRange,
    random,
    metrics,
  }: Pick<AllocationDeps, 'store' | 'nodePortRange' | 'random' | 'metrics'>) {
    this.#metrics = metrics;
    this.#store = store;
    this.#range = nodePortRange;
    this.#random = random;
  }

  /** @throws AllocationError */
  allocate(port: number): Promise<void> {
    return this.#counted('static', () => this.#allocate(port));
  }

  async #allocate(port: number): Promise<void> {
    const bit = this.#bit(port);
    if (bit === undefined)
      throw new AllocationError(
        `provided port is not in the valid range. The range of valid ports is ${this.#rangeText()}`,
      );
    await this.#change((bitmap) => {
      if (has(bitmap, bit)) throw new AllocationError('provided port is already allocated');
      return [bitmap | (1n << BigInt(bit)), undefined];
    });
  }

  /** @throws AllocationError */
  allocateNext(): Promise<number> {
    return this.#counted('dynamic', () =>
      this.#change((bitmap) => {
        const bit = this.#freeBit(bitmap);
        if (bit === undefined) throw new AllocationError('range is full', true);
        return [bitmap | (1n << BigInt(bit)), this.#range.base + bit];
      }),
    );
  }

  async #counted<T>(scope: Scope, take: () => Promise<T>): Promise<T> {
    let isTaken = false;
    try {
      const taken = await take();
      isTaken = true;
      return taken;
    } finally {
      this.#metrics?.port(scope, isTaken);
    }
  }

  /** Ports outside of the range are left alone. */
  async release(ports: readonly number[]): Promise<void> {
    const mask = this.#mask(ports);
    if (mask !== 0n) await this.#change((bitmap) => [bitmap & ~mask, undefined]);
  }

  async isAllocated(port: number): Promise<boolean> {
    const bit = this.#bit(port);
    return bit !== undefined && has((await this.#read()).bitmap, bit);
  }

  /**
   * Writes down that these ports are taken. One that nobody has may be on its way to a service of another server: it is
   * given back when it has been seen in PATIENCE repairs in a row. A record of another range is begun anew.
   * @param ports those of all services
   */
  async repair(ports: readonly number[]): Promise<void> {
    const taken = this.#mask(ports);
    await this.#change((bitmap, range) => {
      const leaked = range === this.#rangeText() ? bitmap & ~taken : 0n;
      let kept = 0n;
      const seen = new Map<number, number>();
      for (let bit = 0; bit < this.#range.size; bit++) {
        if (!has(leaked, bit)) continue;
        const times = (this.#leaks.get(bit) ?? 0) + 1;
        if (times >= PATIENCE) continue;
        seen.set(bit, times);
        kept |= 1n << BigInt(bit);
      }
      return [taken | kept, seen];
    }, true).then((seen) => {
      this.#leaks = seen;
    });
  }

  #bit(port: number): number | undefined {
    const bit = port - this.#range.base;
    return bit >= 0 && bit < this.#range.size ? bit : undefined;
  }

  #mask(ports: readonly number[]): Bitmap {
    return ports.reduce((mask, port) => {
      const bit = this.#bit(port);
      return bit === undefined ? mask : mask | (1n << BigInt(bit));
    }, 0n);
  }

  #freeBit(bitmap: Bitmap): number | undefined {
    const { size } = this.#range;
    const share = Math.trunc(size / STATIC_SHARE);
    const kept = size <= STATIC_MIN ? 0 : Math.min(Math.max(share, STATIC_MIN), STATIC_MAX);
    return this.#scan(bitmap, kept, size) ?? this.#scan(bitmap, 0, kept);
  }

  /** Once around [from, to), from anywhere. */
  #scan(bitmap: Bitmap, from: number, to: number): number | undefined {
    const size = to - from;
    const start = Math.floor(this.#random() * size);
    for (let i = 0; i < size; i++) {
      const bit = from + ((start + i) % size);
      if (!has(bitmap, bit)) return bit;
    }
    return undefined;
  }

  #change<R>(edit: (bitmap: Bitmap, range: string) => [Bitmap, R], ignoreStoredRange = false): Promise<R> {
    return this.#changes.run(() => this.#swap(edit, ignoreStoredRange));
  }

  async #swap<R>(edit: (bitmap: Bitmap, range: string) => [Bitmap, R], ignoreStoredRange: boolean): Promise<R> {
    for (let stored = await this.#read(); ; ) {
      if (stored.range !== this.#rangeText() && !ignoreStoredRange)
        throw new AllocationError('the provided range does not match the current range');
      const [bitmap, result] = edit(stored.bitmap, stored.range);
      const isWritten = stored.revision > 0 && bitmap === stored.bitmap && stored.range === this.#rangeText();
      if (isWritten) return this.#told(bitmap, result);
      const value = encodeStored({ ...stored.object, range: this.#rangeText(), data: toBase64(bitmap) });
      const put = await this.#store.put(KEY, value, { expect: stored.revision });
      if (put.ok) return this.#told(bitmap, result);
      stored = this.#decode(put.current);
    }
  }

  #told<R>(bitmap: Bitmap, result: R): R {
    this.#metrics?.ports(bitmap.toString(2).replaceAll('0', '').length, this.#range.size);
    return result;
  }

  async #read(): Promise<StoredRange> {
    return this.#decode((await this.#store.get(KEY)).kv);
  }

  #decode(kv: KeyValue | undefined): StoredRange {
    const object: KubeObject = kv
      ? decodeStored(kv.value).object
      : { kind: 'RangeAllocation', apiVersion: 'v1', metadata: {} };
    const bitmap = fromBase64(typeof object.data === 'string' ? object.data : '');
    const range = typeof object.range === 'string' && object.range !== '' ? object.range : this.#rangeText();
    return { object, range, bitmap, revision: kv?.modRevision ?? 0 };
  }

  #rangeText(): string {
    return `${this.#range.base}-${this.#range.base + this.#range.size - 1}`;
  }
}

function has(bitmap: Bitmap, bit: number): boolean {
  return ((bitmap >> BigInt(bit)) & 1n) === 1n;
}

/** Go's big.Int.Bytes: big-endian, no leading zeros. */
function toBase64(bitmap: Bitmap): string {
  if (bitmap === 0n) return '';
  const hex = bitmap.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex').toString('base64');
}

function fromBase64(text: string): Bitmap {
  const hex = Buffer.from(text, 'base64').toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}
