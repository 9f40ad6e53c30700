/** A stream that is held to so many bytes per second (`--max-connection-bytes-per-sec`; go-flowrate's samples). */
import { type Duplex, type Readable, Transform, type TransformCallback } from 'node:stream';

const SAMPLE_MS = 100;

/** Passes on what a tenth of a second allows, and waits for the next one; at least a byte. */
class Throttle extends Transform {
  readonly #perSample: number;
  #left: number;
  #sampleEnd = 0;

  constructor(bytesPerSecond: number) {
    super();
    this.#perSample = Math.max(1, Math.round((bytesPerSecond * SAMPLE_MS) / 1000));
    this.#left = this.#perSample;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pass(chunk).then(() => done(), done);
  }

  async #pass(chunk: Buffer): Promise<void> {
    for (let rest = chunk; rest.length > 0 && !this.destroyed; ) {
      await this.#nextSample();
      const piece = rest.subarray(0, this.#left);
      this.#left -= piece.length;
      rest = rest.subarray(piece.length);
      this.push(piece);
    }
  }

  async #nextSample(): Promise<void> {
    const wait = this.#sampleEnd - performance.now();
    if (wait > 0 && this.#left > 0) return;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    this.#left = this.#perSample;
    this.#sampleEnd = performance.now() + SAMPLE_MS;
  }
}

/** @param bytesPerSecond undefined or 0: no limit. @returns what to read instead; what came before an early end is still in it */
export function throttled(from: Readable, bytesPerSecond: number | undefined): Readable {
  if (!isLimit(bytesPerSecond)) return from;
  const throttle = new Throttle(bytesPerSecond);
  from.once('close', () => throttle.end());
  return from.pipe(throttle);
}

/** @returns what to write to instead: it ends with `to`, and `to` with it */
export function throttledInto<T extends Duplex>(to: T, bytesPerSecond: number | undefined): Duplex {
  if (!isLimit(bytesPerSecond)) return to;
  const throttle = new Throttle(bytesPerSecond);
  to.once('close', () => throttle.destroy());
  throttle.pipe(to);
  return throttle;
}

const isLimit = (bytesPerSecond: number | undefined): bytesPerSecond is number =>
  bytesPerSecond !== undefined && bytesPerSecond > 0;
