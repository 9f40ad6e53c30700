/**
 * A file that lines are appended to, and that makes room for a new one when it is full: `audit.log` becomes
 * `audit-2026-01-02T03-04-05.678.log`. What old files are called, and which of them go, is what kube-apiserver does.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ended } from '@keelson/component/promises';
import type { LineWriter } from './log.ts';

export interface LogFileOptions {
  readonly path: string;
  /** 0: it is never full. */
  readonly maxBytes: number;
  /** Old files that are kept; 0: all. */
  readonly maxBackups: number;
  /** Days; 0: for ever. */
  readonly maxAgeDays: number;
  readonly compress: boolean;
  readonly now: () => Date;
  /** What goes wrong with old files. */
  readonly onError: (error: Error) => void;
}

const DAY_MS = 86_400_000;
const STAMP = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/;

export class LogFile implements LineWriter {
  readonly #options: LogFileOptions;
  #file: FileHandle | undefined;
  #size = 0;
  /** Texts that came while another one was being written go together. */
  #waiting: string[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();
  #tidying: Promise<void> = Promise.resolve();

  private constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Makes the file and its folder where they are missing. @throws the error of the file system */
  static async open(options: LogFileOptions): Promise<LogFile> {
    const log = new LogFile(options);
    await mkdir(dirname(options.path), { recursive: true, mode: 0o700 });
    await log.#open();
    return log;
  }

  write(text: string): Promise<void> {
    this.#waiting.push(text);
    this.#next ??= this.#last.then(() => this.#writeWaiting());
    return this.#next;
  }

  async close(): Promise<void> {
    await ended(this.#next ?? this.#last);
    await this.#tidying;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #writeWaiting(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#next = undefined;
    const done = this.#append(Buffer.from(text));
    this.#last = ended(done);
    await done;
  }

  async #append(bytes: Buffer): Promise<void> {
    const { maxBytes } = this.#options;
    if (maxBytes > 0 && this.#size > 0 && this.#size + bytes.length > maxBytes) await this.#rotate();
    if (this.#file === undefined) await this.#open();
    await this.#file!.appendFile(bytes);
    this.#size += bytes.length;
  }

  async #open(): Promise<void> {
    this.#file = await open(this.#options.path, 'a', 0o600);
    this.#size = (await this.#file.stat()).size;
  }

  async #rotate(): Promise<void> {
    const { path, now, onError } = this.#options;
    await this.#file?.close();
    this.#file = undefined;
    const [stem, extension] = nameParts(path);
    const stamp = now().toISOString().slice(0, -1).replaceAll(':', '-');
    await rename(path, join(dirname(path), `${stem}-${stamp}${extension}`));
    await this.#open();
    this.#tidying = this.#tidying.then(() => this.#tidy()).catch(onError);
  }

  /** Removes old files that are too many or too old, and compresses the others. */
  async #tidy(): Promise<void> {
    const { path, maxBackups, maxAgeDays, compress, now } = this.#options;
    const folder = dirname(path);
    const backups = (await readdir(folder)).flatMap((file) => backupOf(path, file) ?? []);
    backups.sort((a, b) => b.at - a.at);
    const oldest = maxAgeDays > 0 ? now().getTime() - maxAgeDays * DAY_MS : Number.NEGATIVE_INFINITY;
    for (const [i, { file, at, compressed }] of backups.entries()) {
      const isGone = (maxBackups > 0 && i >= maxBackups) || at < oldest;
      if (isGone) await rm(join(folder, file), { force: true });
      else if (compress && !compressed) await gzip(join(folder, file));
    }
  }
}

async function gzip(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz`, { mode: 0o600 }));
  await rm(path);
}

function nameParts(path: string): [stem: string, extension: string] {
  const extension = extname(path);
  return [basename(path, extension), extension];
}

function backupOf(path: string, file: string): { file: string; at: number; compressed: boolean } | undefined {
  const [stem, extension] = nameParts(path);
  const compressed = file.endsWith(`${extension}.gz`);
  const end = compressed ? `${extension}.gz` : extension;
  if (!file.startsWith(`${stem}-`) || !file.endsWith(end)) return undefined;
  const stamp = file.slice(stem.length + 1, file.length - end.length);
  if (!STAMP.test(stamp)) return undefined;
  const at = Date.parse(`${stamp.slice(0, 11)}${stamp.slice(11).replaceAll('-', ':')}Z`);
  return { file, at, compressed };
}

/** `--audit-log-path=-`. */
export const standardOutput: LineWriter = {
  write: (text) =>
    new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve()))),
  close: async () => {},
};
