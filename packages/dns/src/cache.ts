/** Answers of other servers, remembered for as long as they say, but not long. */
import { isTruncated, RCODES, rcodeOf, ttlOffsets, withId } from './message.ts';

const MAX_ENTRIES = 1_000;
const MAX_BYTES = 4_096;
const MAX_SECONDS = 30;

interface Entry {
  readonly answer: Buffer;
  readonly offsets: readonly number[];
  readonly since: number;
  readonly until: number;
}

export class Cache {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns the answer with the query's id, its times to live shorter by how long it has been here */
  get(query: Buffer, protocol: string): Buffer | undefined {
    const key = keyOf(query, protocol);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    const now = this.#now();
    if (now >= entry.until) return undefined;
    this.#entries.set(key, entry);
    const answer = withId(entry.answer, query.readUInt16BE());
    const age = Math.floor((now - entry.since) / 1_000);
    for (const at of entry.offsets) answer.writeUInt32BE(Math.max(0, answer.readUInt32BE(at) - age), at);
    return answer;
  }

  put(query: Buffer, protocol: string, answer: Buffer): void {
    const rcode = rcodeOf(answer);
    if (isTruncated(answer) || (rcode !== RCODES.noError && rcode !== RCODES.nameError)) return;
    const offsets = ttlOffsets(answer);
    if (offsets === undefined || offsets.length === 0 || query.length + answer.length > MAX_BYTES) return;
    const seconds = Math.min(MAX_SECONDS, ...offsets.map((at) => answer.readUInt32BE(at)));
    if (seconds === 0) return;
    const since = this.#now();
    this.#entries.set(keyOf(query, protocol), { answer, offsets, since, until: since + seconds * 1_000 });
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
  }
}

/** All of a query but its id. */
const keyOf = (query: Buffer, protocol: string) => `${protocol}${query.toString('latin1', 2)}`;
