import { setImmediate as nextTurn } from 'node:timers/promises';

/** What takes some 10 ms to parse. */
const BYTES_PER_TURN = 256 * 1024;

/**
 * Work on many objects, one after the other, that holds nobody up: a turn of the event loop is had whenever a turn's worth
 * of bytes has been worked on. What goes on in between sees the work half done.
 */
export class Pace {
  #left = BYTES_PER_TURN;

  /** @param bytes of the object just worked on */
  async after(bytes: number): Promise<void> {
    this.#left -= bytes;
    if (this.#left > 0) return;
    await nextTurn();
    this.#left = BYTES_PER_TURN;
  }
}
