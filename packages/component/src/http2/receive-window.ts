/** How much the peer may still send, on a stream or on a connection (RFC 9113, 5.2). */
export class ReceiveWindow {
  readonly #size: number;
  #room: number;
  /** What was taken, and the peer has not been told of. */
  #taken = 0;

  /** @param size in bytes: so much may be under way and not taken */
  constructor(size: number) {
    this.#size = size;
    this.#room = size;
  }

  /** So much has come. @returns whether the peer could send it */
  arrive(bytes: number): boolean {
    this.#room -= bytes;
    return this.#room >= 0;
  }

  /** So much has been taken. @returns by how much the peer is to be told that there is more room; 0: it can wait */
  take(bytes: number): number {
    this.#taken += bytes;
    if (this.#taken < this.#size / 2) return 0;
    const more = this.#taken;
    this.#taken = 0;
    this.#room += more;
    return more;
  }
}
