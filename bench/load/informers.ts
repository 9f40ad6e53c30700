import { Connection, headerBlock } from './connection.ts';
import { type InformerJob, type JobResult, percentiles } from './job.ts';

/** Bytes in which a list has told its version. */
const HEAD = 500;

/** All clients at once: connect, list at resourceVersion 0, watch from there. A client is done when its watch has begun. */
export async function informers({ target, clients, path }: InformerJob): Promise<JobResult> {
  const latencies = new Float64Array(clients);
  const connections: Connection[] = [];
  const list = headerBlock('GET', `${path}?resourceVersion=0`);
  let bytes = 0;
  const start = performance.now();

  const inform = async (client: number): Promise<void> => {
    const connection = await Connection.open(target);
    connections.push(connection);
    let head = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      connection.request(list, undefined, {
        data: (data) => {
          bytes += data.length;
          if (head.length < HEAD) head = Buffer.concat([head, data.subarray(0, HEAD)]);
        },
        end: (status, error) =>
          status === 200 && !error ? resolve() : reject(error ?? new Error(`${path}: ${status}`)),
      });
    });
    const version = /"resourceVersion":"(\d+)"/.exec(head.toString('latin1'))![1]!;
    const watch = headerBlock('GET', `${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`);
    await new Promise<void>((resolve, reject) => {
      connection.request(watch, undefined, {
        headers: (status) => (status === 200 ? resolve() : reject(new Error(`watch of ${path}: ${status}`))),
        end: (_status, error) => error && reject(error),
      });
    });
    latencies[client] = performance.now() - start;
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => inform(i)));
  const seconds = (performance.now() - start) / 1000;
  const { protocol } = connections[0]!;
  for (const connection of connections) connection.close();
  return { seconds, count: clients, bytes, latency: percentiles(latencies), protocol };
}
