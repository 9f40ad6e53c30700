import { cpuSecondsOf } from '../servers/usage.ts';
import { Connection, headerBlock } from './connection.ts';
import { type JobResult, percentiles, type WatchJob } from './job.ts';
import { prepare } from './requests.ts';

const MARK = '#'.charCodeAt(0);

/**
 * Watches on connections of their own, then writes on another one. A delivery's latency is from the moment at which the
 * write's request is sent until the watcher has the event. What the first writes bring is awaited and not measured: this
 * process has just begun, and compiles what reads them. @throws Error when a watch ends before it has everything
 */
export async function watches(job: WatchJob): Promise<JobResult> {
  const connections: Connection[] = [];
  const seenBy = job.expected ?? job.connections * job.streams;
  const warmUp = job.warmUp ?? 0;
  const total = warmUp + job.writes;
  const latencies = new Float64Array(seenBy * total);
  const sentAt = new Float64Array(total);
  let seen = 0;
  let bytes = 0;
  let awaited: { readonly seen: number; readonly resolve: () => void } | undefined;
  let failed!: (error: Error) => void;
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  failure.catch(() => {});

  const headers = headerBlock('GET', job.path, job.accept ? { accept: job.accept } : {});
  const open = async (): Promise<void> => {
    const connection = await Connection.open(job.target);
    connections.push(connection);
    const begun = Array.from(
      { length: job.streams },
      () =>
        new Promise<void>((resolve, reject) => {
          const read = markReader();
          connection.request(headers, undefined, {
            headers: (status) => (status === 200 ? resolve() : reject(new Error(`${job.path}: ${status}`))),
            data: (data) => {
              bytes += data.length;
              for (const write of read(data)) {
                latencies[seen++] = performance.now() - sentAt[write]!;
                if (seen === awaited?.seen) awaited.resolve();
              }
            },
            end: (status, error) => failed(new Error(`a watch ended: ${error?.message ?? status}`)),
          });
        }),
    );
    await Promise.all(begun);
  };
  for (let i = 0; i < job.connections; i += 50) {
    await Promise.all(Array.from({ length: Math.min(50, job.connections - i) }, open));
  }

  const writer = await Connection.open(job.target);
  let started = 0;
  const write = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const at = started++;
      const { headers, body, text } = prepare(job.write, at);
      sentAt[at] = performance.now();
      writer.request(headers, body, {
        end: (status, error) => {
          if (error || status > 299) reject(new Error(`${text}: ${error?.message ?? status}`));
          else resolve();
        },
      });
    });
  /** @param last the number of the first write that is not among them. Resolves when all watches have seen them. */
  const writeUntil = async (last: number): Promise<void> => {
    const complete = new Promise<void>((resolve) => {
      awaited = { seen: seenBy * last, resolve };
      if (seen === awaited.seen) resolve();
    });
    const work = async (): Promise<void> => {
      while (started < last) await write();
    };
    if (job.rate === undefined) await Promise.all(Array.from({ length: job.writers }, work));
    else await paced(last - started, job.rate, write);
    await Promise.race([complete, failure]);
  };
  await writeUntil(warmUp);
  const before = { server: cpuSecondsOf(job.pids ?? []), load: process.cpuUsage(), seen, bytes };
  const start = performance.now();
  await writeUntil(total);
  const seconds = (performance.now() - start) / 1000;
  const load = process.cpuUsage(before.load);
  const cpu = {
    server: cpuSecondsOf(job.pids ?? []) - before.server,
    load: (load.user + load.system) / 1e6,
  };
  const { protocol } = writer;
  for (const connection of [...connections, writer]) connection.close();
  return {
    seconds,
    count: seen - before.seen,
    bytes: bytes - before.bytes,
    latency: percentiles(latencies.subarray(before.seen)),
    protocol,
    cpu,
  };
}

async function paced(count: number, rate: number, step: () => Promise<void>): Promise<void> {
  const start = performance.now();
  const running: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const wait = start + (i / rate) * 1000 - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    running.push(step());
  }
  await Promise.all(running);
}

/** Reads the numbers between marks out of a stream that may be cut anywhere. */
function markReader(): (data: Buffer) => number[] {
  let cut: Buffer | undefined;
  return (data) => {
    const bytes = cut ? Buffer.concat([cut, data]) : data;
    cut = undefined;
    const numbers: number[] = [];
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
      const end = bytes.indexOf(MARK, at + 1);
      if (end < 0) {
        cut = Buffer.from(bytes.subarray(at));
        break;
      }
      numbers.push(Number(bytes.toString('latin1', at + 1, end)));
      at = end;
    }
    return numbers;
  };
}
