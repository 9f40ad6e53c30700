/**
 * What containers have written, from the files that the runtime keeps (pkg/kubelet/kuberuntime/logs). A line of a file is
 * `TIME STREAM F|P TEXT`: of a line that was too long for the runtime all parts but the last are P.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock } from '@keelson/api/clock';
import { pause } from '@keelson/client';
import type { LogLine, LogSource } from '../runtime/container.ts';

export interface LogOptions {
  readonly follow: boolean;
  /** So many lines from the end. */
  readonly tailLines?: number | undefined;
  /** Milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly timestamps: boolean;
  readonly limitBytes?: number | undefined;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

/** What follows a log: it goes on for as long as the container runs. */
export interface Following {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  isRunning(): Promise<boolean>;
}

const CHUNK = 64 * 1024;
/** How often one that is followed is looked at. */
const POLL_MS = 200;

/** The bytes of a log as they are to be sent. @throws Error of the file system */
export async function* readLog(source: LogSource, options: LogOptions, following: Following): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const entries =
    source.type === 'lines' ? thoughtUp(source.lines, options) : fromFile(source.path, options, following);
  for await (const entry of entries) {
    const bytes = shown(entry, options);
    if (!bytes) continue;
    yield bytes.length > left ? bytes.subarray(0, left) : bytes;
    left -= bytes.length;
    if (left <= 0) return;
  }
}

interface Entry {
  /** As the runtime wrote it. */
  readonly time: string;
  readonly stream: string;
  /** With the end of its line, where it is the last part of it. */
  readonly text: Buffer;
}

function shown({ time, stream, text }: Entry, { timestamps, since, stream: wanted }: LogOptions): Buffer | undefined {
  if (wanted !== 'All' && stream !== wanted.toLowerCase()) return undefined;
  if (since !== undefined && Date.parse(time) < since) return undefined;
  return timestamps ? Buffer.concat([Buffer.from(`${time} `), text]) : text;
}

function* thoughtUp(lines: readonly LogLine[], { tailLines }: LogOptions): Generator<Entry> {
  const from = tailLines === undefined ? 0 : Math.max(0, lines.length - tailLines);
  for (const { at, stream, text } of lines.slice(from)) {
    yield { time: new Date(at).toISOString(), stream, text: Buffer.from(`${text}\n`) };
  }
}

async function* fromFile(path: string, options: LogOptions, following: Following): AsyncGenerator<Entry> {
  let file = await open(path);
  try {
    let position = options.tailLines === undefined ? 0 : await startOfTail(file, options.tailLines);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      // Whether it runs is asked first: what was written before it ended is read then.
      const goesOn = options.follow && !following.signal.aborted && (await following.isRunning());
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const whole = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        const end = whole.lastIndexOf(10) + 1;
        for (const line of linesOf(whole.subarray(0, end))) yield parse(line);
        rest = whole.subarray(end);
      }
      if (!goesOn) return;
      await pause(following.clock, POLL_MS, following.signal);
      const next = await reopened(file, path);
      if (!next) continue;
      await file.close();
      file = next;
      position = 0;
      rest = Buffer.alloc(0);
    }
  } finally {
    await file.close();
  }
}

/** The file that stands in the place of one that was moved away, if everything in the old one has been read. */
async function reopened(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const [own, current] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return current && current.ino !== own.ino ? open(path) : undefined;
}

function* linesOf(text: Buffer): Generator<Buffer> {
  let start = 0;
  for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
    yield text.subarray(start, end + 1);
    start = end + 1;
  }
}

function parse(line: Buffer): Entry {
  const [timeEnd, streamEnd] = [line.indexOf(32), line.indexOf(32, line.indexOf(32) + 1)];
  const tagEnd = line.indexOf(32, streamEnd + 1);
  const isPartial = line.toString('latin1', streamEnd + 1, tagEnd).split(':')[0] === 'P';
  const text = line.subarray(tagEnd + 1);
  return {
    time: line.toString('latin1', 0, timeEnd),
    stream: line.toString('latin1', timeEnd + 1, streamEnd),
    text: isPartial ? text.subarray(0, text.length - 1) : text,
  };
}

/** Where the last so many lines begin. */
async function startOfTail(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  let left = count + 1;
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - CHUNK);
    const { buffer } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin);
    for (let at = buffer.lastIndexOf(10); at >= 0; at = at === 0 ? -1 : buffer.lastIndexOf(10, at - 1)) {
      left--;
      if (left === 0) return begin + at + 1;
    }
    end = begin;
  }
  return 0;
}
