import { cpuSecondsOf } from '../servers/usage.ts';
import { Connection, headerBlock } from './connection.ts';
import { type JobResult, percentiles, type WatchJob } from './job.ts';
import { prepare } from './requests.ts';

const MARK = '#'.charCodeAt(0);

/**
 * Watches on connections of their own, then writes on another one. A delivery's latency is from the moment at which the
 * write's request is sent until the watcher has the event. @throws Error when a watch ends before it has everything
 */
export async function watches(job: WatchJob): Promise<JobResult> {
  const connections: Connection[] = [];
  const expected = (job.expected ?? job.connections * job.streams) * job.writes;
  const latencies = new Float64Array(expected);
  const sentAt = new Float64Array(job.writes);
  let seen = 0;
  let bytes = 0;
  let all!: () => void;
  let failed!: (error: Error) => void;
  const complete = new Promise<void>((resolve, reject) => {
    all = resolve;
    failed = reject;
  });
  complete.catch(() => {});

  const headers = headerBlock('GET', job.path);
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
                if (seen === expected) all();
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

  if (expected === 0) all();
  const writer = await Connection.open(job.target);
  const cpuBefore = { server: cpuSecondsOf(job.pids ?? []), load: process.cpuUsage() };
  const start = performance.now();
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
  const work = async (): Promise<void> => {
    while (started < job.writes) await write();
  };
  if (job.rate === undefined) await Promise.all(Array.from({ length: job.writers }, work));
  else await paced(job.writes, job.rate, write);
  await complete;
  const seconds = (performance.now() - start) / 1000;
  const load = process.cpuUsage(cpuBefore.load);
  const cpu = {
    server: cpuSecondsOf(job.pids ?? []) - cpuBefore.server,
    load: (load.user + load.system) / 1e6,
  };
  const { protocol } = writer;
  for (const connection of [...connections, writer]) connection.close();
  return { seconds, count: seen, bytes, latency: percentiles(latencies), protocol, cpu };
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
