/**
 * What the storage engines do per second, next to what the disk does.
 *
 *   npm run bench:storage -- [memory] [lmdb] [http://127.0.0.1:2379] [--dir DIR] [--seconds N]
 *
 * Puts are durable 1 KiB creates by writers that each wait for their answer. Data goes to a new directory below DIR, the
 * system's temporary directory unless told otherwise: choose one on the disk that is meant. A URL is that of an empty etcd.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openStore, type Store } from '@keelson/storage';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string', default: tmpdir() }, seconds: { type: 'string', default: '3' } },
});
const milliseconds = Number(flags.seconds) * 1000;
const value = new Uint8Array(1024).fill(120);
const key = (i: number) => `/registry/configmaps/default/name-${String(i).padStart(9, '0')}`;

const report = (what: string, rate: number, unit = '/s') =>
  console.log(`  ${what.padEnd(42)}${Number(rate.toPrecision(3)).toLocaleString('en').padStart(10)} ${unit}`);

/** Runs `step` over and over in `workers` loops, and returns how often per second. */
async function rate(workers: number, step: (n: number) => Promise<unknown>): Promise<number> {
  let n = 0;
  const start = performance.now();
  const end = start + milliseconds;
  const work = async () => {
    while (performance.now() < end) await step(n++);
  };
  await Promise.all(Array.from({ length: workers }, work));
  return (n / (performance.now() - start)) * 1000;
}

async function bench(name: string, store: Store): Promise<void> {
  console.log(name);
  let created = 0;
  for (const writers of [1, 8, 64]) {
    const puts = await rate(writers, () => store.put(key(created++), value, { expect: 0 }));
    report(`put 1 KiB, ${writers} writers`, puts);
  }
  for (const readers of [1, 64]) {
    report(`get, ${readers} readers`, await rate(readers, (n) => store.get(key((n * 7919) % created))));
  }
  while (created < 100_000) {
    await Promise.all(Array.from({ length: 64 }, () => store.put(key(created++), value, { expect: 0 })));
  }
  const page = { prefix: key(0).slice(0, -9), from: key(40_000), limit: 10_000 };
  const lists = await rate(1, () => store.list(page));
  report(`list 10,000 of ${created.toLocaleString('en')}`, 1000 / lists, 'ms');
  report('list 500 of them', 1000 / (await rate(1, () => store.list({ ...page, limit: 500 }))), 'ms');
  const revision = (await store.currentRevision()) - 5000;
  const past = await rate(1, () => store.list({ ...page, revision }));
  report('list 10,000, 5,000 revisions ago', 1000 / past, 'ms');
  const replay = () =>
    new Promise<void>((resolve, reject) => {
      let seen = 0;
      const onBatch: Parameters<Store['watch']>[0]['onBatch'] = ({ events }) => {
        seen += events.length;
        if (seen === 5000) resolve(watch.close());
      };
      const watch = store.watch({ prefix: '/registry/', fromRevision: revision + 1, onBatch, onError: reject });
    });
  report('watch, replay of 5,000 events', 1000 / (await rate(1, replay)), 'ms');
}

function rawDiskRate(directory: string): number {
  const file = openSync(join(directory, 'raw'), 'w');
  const start = performance.now();
  let n = 0;
  for (; performance.now() - start < 1000; n++) {
    writeSync(file, value, 0, value.length, (n % 1000) * 4096);
    fdatasyncSync(file);
  }
  closeSync(file);
  return n;
}

const directory = mkdtempSync(join(flags.dir, 'keelson-bench-'));
try {
  console.log('disk');
  report('write 1 KiB and fdatasync, one at a time', rawDiskRate(directory));
  for (const engine of positionals.length > 0 ? positionals : ['memory', 'lmdb']) {
    const open = () => {
      if (engine === 'memory') return openStore({ engine });
      if (engine === 'lmdb') return openStore({ engine, directory: join(directory, 'lmdb') });
      return openStore({ engine: 'etcd', endpoints: [engine] });
    };
    const started = performance.now();
    const store = await open();
    const opened = performance.now() - started;
    await bench(engine, store);
    report('open, empty', opened, 'ms');
    await store.close();
    if (engine !== 'lmdb') continue;
    const before = performance.now();
    const again = await open();
    const { count } = await again.list({ prefix: '', limit: 1 });
    report(`open, with ${count.toLocaleString('en')} keys`, performance.now() - before, 'ms');
    await again.close();
  }
} finally {
  rmSync(directory, { recursive: true });
}
