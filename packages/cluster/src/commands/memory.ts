/**
 * Memory that a burst of work has taken is given back when the process has come to rest: V8 itself keeps what it has
 * collected for a next burst, which for a server of mostly nothing to do is most of its memory. The collection is one that
 * V8 begins by itself and does beside other work. One that is called for (`gc()`) holds everything up while it marks: a
 * server at rest with 10,000 pods stood still for 126 ms.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';

const INTERVAL_MS = 2000;
/**
 * What a start leaves goes at once. Later bursts come one after the other, and each would have to take its memory anew, page by
 * page: 20 s after the last one a load had two thirds of the rate.
 */
const REST_MS = 60_000;
/** Share of the time. */
const CALM = 0.05;
const MIB = 2 ** 20;
/** Larger heaps are left to V8: so much garbage at once holds up for too long whoever comes just then. */
const MAX_USED_BYTES = 192 * MIB;

export interface Heap {
  /** For how long the event loop has had almost nothing to do. */
  readonly calmMs: number;
  readonly usedBytes: number;
  readonly totalBytes: number;
  /** The least that the total was since a collection was brought about the last time; 0: none was. */
  readonly totalBytesThen: number;
}

export function isWorthCollecting({ calmMs, usedBytes, totalBytes, totalBytesThen }: Heap): boolean {
  const isAtRest = calmMs >= (totalBytesThen === 0 ? INTERVAL_MS : REST_MS);
  return isAtRest && usedBytes < MAX_USED_BYTES && totalBytes > totalBytesThen * 1.25 + 8 * MIB;
}

/** From now on. Does not hold the process up. */
export function giveBackMemory(): void {
  let before = performance.eventLoopUtilization();
  let totalBytesThen = 0;
  let calmMs = 0;
  const look = (): void => {
    const { utilization } = performance.eventLoopUtilization(before);
    before = performance.eventLoopUtilization();
    calmMs = utilization < CALM ? calmMs + INTERVAL_MS : 0;
    const { heapUsed: usedBytes, heapTotal: totalBytes } = process.memoryUsage();
    if (isWorthCollecting({ calmMs, usedBytes, totalBytes, totalBytesThen })) {
      startCollection();
      totalBytesThen = totalBytes;
    } else if (totalBytes < totalBytesThen) totalBytesThen = totalBytes;
  };
  setInterval(look, INTERVAL_MS).unref();
}

/** More than V8 lets grow outside of its heap without a collection. */
const EXTERNAL_BYTES = 66 * MIB;

/** Has V8 begin to mark, and in the end keep no pages for later. The bytes are never touched, and thus take no memory. */
export function startCollection(): void {
  setFlagsFromString('--optimize-for-size');
  new ArrayBuffer(EXTERNAL_BYTES);
  setFlagsFromString('--no-optimize-for-size');
}
