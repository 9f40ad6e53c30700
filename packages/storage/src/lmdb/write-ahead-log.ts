import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFile as readFileWithCallback,
  writeSync,
  write as writeWithCallback,
} from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { Write } from '../embedded/journal.ts';
import { StoreUnavailableError } from '../store.ts';
import { DiskPace } from './disk-pace.ts';
import { entryCodec } from './entry-codec.ts';

const write = promisify(writeWithCallback);
const readFile = promisify(readFileWithCallback);

/** Files grow by zeros in pieces of this size: a write within a file waits for its data alone, one at its end for the file system's journal, too. */
const GROWTH_BYTES = 256 << 10;
/** Bytes of a file beyond which it takes no further record: what a start has to read again. */
const FULL_BYTES = 16 << 20;
/** A longer record is not waited for by the event loop. */
const SHORT_BYTES = 64 << 10;
/** How much one turn of the event loop reads at a start. */
const BYTES_PER_TURN = 4 << 20;
/** Of a record: length and CRC-32 of what follows. Of a write in it: lengths of entry and value. All little-endian. */
const HEADER_BYTES = 8;

/** There is no place for a record until {@link WriteAheadLog.release} has made some. */
export class LogFullError extends StoreUnavailableError {}

/** One of the two files. */
interface Segment {
  readonly file: string;
  readonly fd: number;
  /** Where the next record goes. */
  end: number;
  /** How far the file reaches. */
  size: number;
  /** The newest revision in it that is not released; 0: it is free. */
  newest: number;
}

/**
 * Writes that are durable but have no place in the database yet, in two files that are written in turns: while the writes of one
 * are moved on, new ones go to the other. A record is one batch; it is there as a whole or not at all. What is released is not
 * erased, but written over: an old record that comes to light behind a new one has smaller revisions, which tells it apart.
 */
export class WriteAheadLog {
  readonly #segments: readonly [Segment, Segment];
  #current: Segment;
  readonly #pace = new DiskPace();
  readonly #now: () => number;
  /** Why nothing can be written any more: whether the last record is on the disk is unknown. */
  #broken: Error | undefined;
  #recovered: readonly Write[];

  /**
   * @param path without its ending; the directory is there
   * @param newest revision of the database; records follow on it
   * @param now milliseconds of a clock that never goes backwards
   * @throws StoreUnavailableError if the files don't belong to the database; the file system's error if they can't be opened
   */
  static async open(path: string, newest: number, now = () => performance.now()): Promise<WriteAheadLog> {
    const first = await openSegment(`${path}.log-0`, newest);
    const second = await openSegment(`${path}.log-1`, newest);
    syncDirectory(dirname(path));
    const recovered = [...first.missing, ...second.missing].sort((a, b) => a.entry.revision - b.entry.revision);
    const log = new WriteAheadLog([first.segment, second.segment], recovered, now);
    const gap = recovered.findIndex(({ entry }, i) => entry.revision !== newest + 1 + i);
    if (gap < 0) return log;
    log.close();
    throw new StoreUnavailableError(
      `${path}.log-0 and ${path}.log-1 do not follow on revision ${newest + gap} of ${path}.mdb: restore all three files, or remove the first two to go on without what they hold`,
    );
  }

  private constructor(segments: readonly [Segment, Segment], recovered: readonly Write[], now: () => number) {
    const [first, second] = segments;
    this.#segments = segments;
    this.#current = second.newest > first.newest ? second : first;
    this.#recovered = recovered;
    this.#now = now;
  }

  /** What the start has found that the database lacks, in order of revision: once. */
  takeRecovered(): readonly Write[] {
    const recovered = this.#recovered;
    this.#recovered = [];
    return recovered;
  }

  /** Bytes of both files. */
  get size(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Resolves when the writes are on the disk. Never called again before it settled. The event loop waits for one write alone while the
   * disk is quick: to hand it to another thread and to hear of it takes as long as the disk does.
   * @throws LogFullError, StoreUnavailableError: they are not there
   */
  async append(writes: readonly Write[]): Promise<void> {
    this.assertHealthy();
    const record = encodeRecord(writes);
    const segment = this.#current;
    await this.#makeRoom(segment, record.length);
    const startedAt = this.#now();
    try {
      if (writes.length === 1 && record.length <= SHORT_BYTES && this.#pace.isQuick) {
        writeAllNow(segment.fd, record, segment.end);
      } else {
        await writeAll(segment.fd, record, segment.end);
      }
      this.#pace.learn(this.#now() - startedAt);
    } catch (error) {
      this.#broken = failure(segment, error);
      throw this.#broken;
    }
    segment.end += record.length;
    segment.newest = writes.at(-1)!.entry.revision;
  }

  /** Further writes go to the other file, if that is free. */
  rotate(): void {
    const [first, second] = this.#segments;
    const other = this.#current === first ? second : first;
    if (other.newest > 0 || this.#current.newest === 0) return;
    other.end = 0;
    this.#current = other;
  }

  /** All writes up to a revision have their place in the database. */
  release(revision: number): void {
    for (const segment of this.#segments) {
      if (segment.newest <= revision) segment.newest = 0;
    }
  }

  /** @throws StoreUnavailableError if no write can succeed any more */
  assertHealthy(): void {
    if (this.#broken) throw this.#broken;
  }

  close(): void {
    for (const { fd } of this.#segments) closeSync(fd);
  }

  async #makeRoom(segment: Segment, length: number): Promise<void> {
    if (segment.newest === 0) segment.end = 0;
    else if (segment.end + length > FULL_BYTES) throw new LogFullError(`${segment.file} is full`);
    try {
      while (segment.size < segment.end + length) {
        await writeAll(segment.fd, Buffer.alloc(GROWTH_BYTES), segment.size);
        segment.size += GROWTH_BYTES;
      }
    } catch (error) {
      throw new LogFullError(failure(segment, error).message, { cause: error });
    }
  }
}

/** @returns the file, made where it is missing, and the writes in it that a database at revision `newest` lacks */
async function openSegment(file: string, newest: number): Promise<{ segment: Segment; missing: readonly Write[] }> {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_DSYNC, 0o600);
  const bytes = await readFile(fd);
  const { missing, end } = await readRecords(bytes, newest);
  return { segment: { file, fd, end, size: bytes.length, newest: missing.at(-1)?.entry.revision ?? 0 }, missing };
}

function failure({ file }: Segment, error: unknown): StoreUnavailableError {
  return new StoreUnavailableError(`cannot write ${file}: ${(error as Error).message}`, { cause: error });
}

function encodeRecord(writes: readonly Write[]): Buffer {
  const entries = writes.map(({ entry }) => entryCodec.encode(entry));
  let length = HEADER_BYTES;
  for (const [i, { value }] of writes.entries()) length += 8 + entries[i]!.length + value.length;
  const record = Buffer.allocUnsafe(length);
  let at = HEADER_BYTES;
  for (const [i, { value }] of writes.entries()) {
    const entry = entries[i]!;
    at = record.writeUInt32LE(entry.length, at);
    at = record.writeUInt32LE(value.length, at);
    record.set(entry, at);
    record.set(value, at + entry.length);
    at += entry.length + value.length;
  }
  record.writeUInt32LE(length - HEADER_BYTES, 0);
  record.writeUInt32LE(crc32(record.subarray(HEADER_BYTES)), 4);
  return record;
}

/** @returns of all whole records the writes after revision `newest`, and where the next record would begin */
async function readRecords(bytes: Buffer, newest: number): Promise<{ missing: Write[]; end: number }> {
  const missing: Write[] = [];
  let last = 0;
  let end = 0;
  let turnEnds = BYTES_PER_TURN;
  while (end + HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(end);
    const body = bytes.subarray(end + HEADER_BYTES, end + HEADER_BYTES + length);
    if (length === 0 || body.length < length || crc32(body) !== bytes.readUInt32LE(end + 4)) break;
    const record = decodeRecord(body);
    if (record[0]!.entry.revision <= last) break;
    for (const { entry, value } of record) {
      if (entry.revision > newest) missing.push({ entry, value: Buffer.from(value) });
      last = entry.revision;
    }
    end += HEADER_BYTES + length;
    if (end < turnEnds) continue;
    await nextTurn();
    turnEnds = end + BYTES_PER_TURN;
  }
  return { missing, end };
}

/** @returns values that are parts of the body */
function decodeRecord(body: Buffer): Write[] {
  const writes: Write[] = [];
  for (let at = 0; at < body.length; ) {
    const value = at + 8 + body.readUInt32LE(at);
    const end = value + body.readUInt32LE(at + 4);
    writes.push({ entry: entryCodec.decode(body.subarray(at + 8, value)), value: body.subarray(value, end) });
    at = end;
  }
  return writes;
}

async function writeAll(fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await write(fd, bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

function writeAllNow(fd: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}

/** So that a file that was just made is there after a loss of power. */
function syncDirectory(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
