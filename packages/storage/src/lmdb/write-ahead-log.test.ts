import {
  appendFileSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ByteKey } from '../embedded/bytekey.ts';
import type { Write } from '../embedded/journal.ts';
import { LogFullError, WriteAheadLog } from './write-ahead-log.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keelson-log-'));
  path = join(directory, 'keelson');
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (revision: number, size = 3): Write => ({
  entry: {
    key: `/k-${revision}` as ByteKey,
    revision,
    createRevision: revision,
    version: 1,
    previous: 0,
    expiresAt: 0,
  },
  value: Buffer.alloc(size, revision),
});
const revisions = (log: WriteAheadLog) => log.takeRecovered().map(({ entry }) => entry.revision);

/** What a start after a kill finds. */
async function reopened(newest: number): Promise<readonly Write[]> {
  const log = await WriteAheadLog.open(path, newest);
  log.close();
  return log.takeRecovered();
}

it('has what was appended, value and all', async () => {
  const log = await WriteAheadLog.open(path, 1);
  expect(revisions(log)).toEqual([]);
  await log.append([write(2), write(3, 0)]);
  await log.append([write(4, 100_000)]);
  expect(await reopened(1)).toEqual([write(2), write(3, 0), write(4, 100_000)]);
  log.close();
});

it.skipIf(process.platform !== 'linux')(
  'is written synchronously: what is answered survives a loss of power',
  async () => {
    const log = await WriteAheadLog.open(path, 1);
    const linkOf = (fd: string) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    };
    const open = readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(`${path}.log-`));
    const flags = open.map((fd) =>
      Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8),
    );
    expect(flags.map((bits) => bits & constants.O_DSYNC)).toEqual([constants.O_DSYNC, constants.O_DSYNC]);
    log.close();
  },
);

it.each<[string, number, Write[], boolean]>([
  ['one write alone, on a quick disk', 0.2, [write(102)], true],
  ['on a slow one', 0.6, [write(102)], false],
  ['several writes', 0.2, [write(102), write(103)], false],
  ['a long one', 0.2, [write(102, 100_000)], false],
])('the event loop waits for %s: a disk that takes %s ms', async (_, ms, writes, waits) => {
  let time = 0;
  const log = await WriteAheadLog.open(path, 1, () => (time += ms));
  for (let revision = 2; revision < 102; revision++) await log.append([write(revision)]);
  let done = false;
  const appended = log.append(writes).then(() => {
    done = true;
  });
  // Nothing that another thread does is heard of before.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  expect(done).toBe(waits);
  await appended;
  log.close();
  expect((await reopened(101)).length).toBe(writes.length);
});

it('leaves out what the database has', async () => {
  const log = await WriteAheadLog.open(path, 1);
  await log.append([write(2), write(3)]);
  await log.append([write(4)]);
  expect((await reopened(3)).map(({ entry }) => entry.revision)).toEqual([4]);
  log.close();
});

it('tells new records from older ones behind them, in both files', async () => {
  const log = await WriteAheadLog.open(path, 1);
  for (let revision = 2; revision < 20; revision++) await log.append([write(revision)]);
  log.rotate();
  for (let revision = 20; revision < 30; revision++) await log.append([write(revision)]);
  log.release(19);
  log.rotate();
  await log.append([write(30)]);
  expect((await reopened(25)).map(({ entry }) => entry.revision)).toEqual([26, 27, 28, 29, 30]);
  log.release(30);
  await log.append([write(31)]);
  expect(await reopened(30)).toEqual([write(31)]);
  log.close();
});

it('goes on in the file that it used last, and does not write over what is not released', async () => {
  const log = await WriteAheadLog.open(path, 1);
  await log.append([write(2)]);
  log.rotate();
  await log.append([write(3)]);
  log.close();
  const again = await WriteAheadLog.open(path, 1);
  expect(revisions(again)).toEqual([2, 3]);
  again.rotate();
  await again.append([write(4)]);
  expect((await reopened(1)).map(({ entry }) => entry.revision)).toEqual([2, 3, 4]);
  again.close();
});

it('takes a record that is not whole for none', async () => {
  const log = await WriteAheadLog.open(path, 1);
  await log.append([write(2)]);
  const end = 8 + 8 + 40 + '/k-2'.length + 3;
  await log.append([write(3, 1000), write(4, 1000)]);
  log.close();
  const whole = readFileSync(`${path}.log-0`);
  for (const damaged of [end + 4, end + 8, end + 60, end + 1500]) {
    const bytes = Buffer.from(whole);
    bytes[damaged]! ^= 1;
    writeFileSync(`${path}.log-0`, bytes);
    expect(await reopened(1)).toEqual([write(2)]);
  }
  writeFileSync(`${path}.log-0`, whole);
  truncateSync(`${path}.log-0`, end + 1200);
  expect(await reopened(1)).toEqual([write(2)]);
  const again = await WriteAheadLog.open(path, 1);
  await again.append([write(3)]);
  expect(await reopened(1)).toEqual([write(2), write(3)]);
  again.close();
});

it('is no file of anything else', async () => {
  appendFileSync(`${path}.log-0`, Buffer.alloc(5000, 'hello'));
  expect(await reopened(1)).toEqual([]);
});

it('refuses to follow on another database', async () => {
  const log = await WriteAheadLog.open(path, 1);
  await log.append([write(2), write(3), write(4)]);
  log.close();
  const problem = `${path}.log-0 and ${path}.log-1 do not follow on revision 1 of ${path}.mdb: restore all three files`;
  // The log of a database that has come to 4, beside one that is new.
  const later = await WriteAheadLog.open(path, 4);
  await later.append([write(5)]);
  later.close();
  await expect(WriteAheadLog.open(path, 1)).rejects.toThrow(problem);
});

it('is full when it would have to be read for long, and empty when that was released', async () => {
  const log = await WriteAheadLog.open(path, 1);
  for (let revision = 2; revision < 6; revision++) await log.append([write(revision, 4_000_000)]);
  const refused = log.append([write(6, 4_000_000)]);
  await expect(refused).rejects.toBeInstanceOf(LogFullError);
  await expect(refused).rejects.toThrow(`${path}.log-0 is full`);
  log.rotate();
  await log.append([write(6, 4_000_000)]);
  log.release(6);
  await log.append([write(7, 20_000_000)]);
  expect((await reopened(6)).map(({ value }) => value.length)).toEqual([20_000_000]);
  log.close();
});

it('grows where it has to, and no further', async () => {
  const log = await WriteAheadLog.open(path, 1);
  expect(log.size).toBe(0);
  for (let revision = 2; revision < 50; revision++) {
    await log.append([write(revision, 50_000)]);
    log.rotate();
    log.release(revision);
  }
  expect(log.size).toBe(2 * (256 << 10));
  log.close();
});
