/**
 * Memory that a burst of work has taken is given back when the process has come to rest: V8 itself keeps what it has
 * collected for a next burst, which for a server of mostly nothing to do is most of its memory.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const INTERVAL_MS = 5000;
/** Share of the time. */
const CALM = 0.05;
const MIB = 2 ** 20;
/** Larger heaps are left alone: to collect them would hold up for too long whoever comes just then. */
const MAX_USED_BYTES = 96 * MIB;

export interface Heap {
  /** Share of the last interval in which the event loop had something to do. */
  readonly utilization: number;
  readonly usedBytes: number;
  readonly totalBytes: number;
  /** What the total was after memory was given back the last time; 0: it never was. */
  readonly totalBytesThen: number;
}

export function isWorthCollecting({ utilization, usedBytes, totalBytes, totalBytesThen }: Heap): boolean {
  return utilization < CALM && usedBytes < MAX_USED_BYTES && totalBytes > totalBytesThen * 1.25 + 8 * MIB;
}

/** From now on. Does not hold the process up. */
export function giveBackMemory(): void {
  let before = performance.eventLoopUtilization();
  let totalBytesThen = 0;
  const look = (): void => {
    const { utilization } = performance.eventLoopUtilization(before);
    before = performance.eventLoopUtilization();
    const { heapUsed: usedBytes, heapTotal: totalBytes } = process.memoryUsage();
    if (!isWorthCollecting({ utilization, usedBytes, totalBytes, totalBytesThen })) return;
    collect();
    totalBytesThen = process.memoryUsage().heapTotal;
  };
  setInterval(look, INTERVAL_MS).unref();
}

/** Of V8's kinds of collection the one that keeps no pages for later. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (options: object) => void;
  setFlagsFromString('--no-expose-gc');
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
