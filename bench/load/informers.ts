import { Connection, headerBlock } from './connection.ts';
import { type InformerJob, type JobResult, percentiles } from './job.ts';

/** Bytes in which a list has told its version. */
const HEAD = 500;
/** What the bookmark behind the state says. */
const STATE_ENDS = 'k8s.io/initial-events-end';

/** All clients at once: each connects, reads the state, and watches. It is done when its watch has begun, or has told the state. */
export async function informers({ target, clients, path, accept, streams }: InformerJob): Promise<JobResult> {
  const latencies = new Float64Array(clients);
  const connections: Connection[] = [];
  const fields: Readonly<Record<string, string>> = accept ? { accept } : {};
  let bytes = 0;
  const counted = (data: Buffer): void => {
    bytes += data.length;
  };
  const start = performance.now();
  const inform = async (client: number): Promise<void> => {
    const connection = await Connection.open(target);
    connections.push(connection);
    await (streams ? streamed : listed)(connection, path, fields, counted);
    latencies[client] = performance.now() - start;
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => inform(i)));
  const seconds = (performance.now() - start) / 1000;
  const { protocol } = connections[0]!;
  for (const connection of connections) connection.close();
  return { seconds, count: clients, bytes, latency: percentiles(latencies), protocol };
}

type Reader = (
  connection: Connection,
  path: string,
  fields: Readonly<Record<string, string>>,
  counted: (data: Buffer) => void,
) => Promise<void>;

/** A list at resourceVersion 0, in JSON, and a watch from there. */
const listed: Reader = async (connection, path, fields, counted) => {
  let head = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    connection.request(headerBlock('GET', `${path}?resourceVersion=0`, fields), undefined, {
      data: (data) => {
        counted(data);
        if (head.length < HEAD) head = Buffer.concat([head, data.subarray(0, HEAD)]);
      },
      end: (status, error) => (status === 200 && !error ? resolve() : reject(error ?? new Error(`${path}: ${status}`))),
    });
  });
  const version = /"resourceVersion":"(\d+)"/.exec(head.toString('latin1'))![1]!;
  const watch = `${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`;
  await new Promise<void>((resolve, reject) => {
    connection.request(headerBlock('GET', watch, fields), undefined, {
      headers: (status) => (status === 200 ? resolve() : reject(new Error(`${watch}: ${status}`))),
      end: (_status, error) => error && reject(error),
    });
  });
};

/** A watch that begins with the state, as client-go asks for it since 1.35. */
const streamed: Reader = (connection, path, fields, counted) => {
  const watch = `${path}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`;
  let tail = '';
  return new Promise<void>((resolve, reject) => {
    connection.request(headerBlock('GET', watch, fields), undefined, {
      data: (data) => {
        counted(data);
        const last = tail + data.toString('latin1', Math.max(0, data.length - 1000));
        if (last.includes(STATE_ENDS)) resolve();
        tail = last.slice(-STATE_ENDS.length);
      },
      end: (status, error) => reject(error ?? new Error(`${watch}: ${status}`)),
    });
  });
};
