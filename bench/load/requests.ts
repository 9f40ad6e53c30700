import { Connection, headerBlock } from './connection.ts';
import { type JobResult, percentiles, type RequestJob, type Template } from './job.ts';

/** Requests over some connections, each with some streams. @throws Error for any answer that is no 2xx */
export async function requests(job: RequestJob): Promise<JobResult> {
  const connections = await Promise.all(Array.from({ length: job.connections }, () => Connection.open(job.target)));
  const latencies = new Float64Array(job.count);
  const next = requestsOf(job);
  let bytes = 0;
  let started = 0;
  let done = 0;
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    const step = (connection: Connection): void => {
      if (started >= job.count) return;
      const at = started++;
      const due = job.rate === undefined ? performance.now() : start + (at / job.rate) * 1000;
      const wait = due - performance.now();
      if (wait > 0) setTimeout(() => send(connection, at, Math.min(due, performance.now())), wait);
      else send(connection, at, due);
    };
    const send = (connection: Connection, at: number, due: number): void => {
      const { headers, body, text } = next(at);
      let problem: Buffer[] | undefined;
      connection.request(headers, body, {
        headers: (status) => {
          if (status < 200 || status > 299) problem = [];
        },
        data: (data) => {
          bytes += data.length;
          problem?.push(Buffer.from(data));
        },
        end: (status, error) => {
          if (error || problem) {
            reject(
              new Error(
                `${text}: ${error?.message ?? `${status} ${Buffer.concat(problem!).toString().slice(0, 300)}`}`,
              ),
            );
            return;
          }
          latencies[at] = performance.now() - due;
          done++;
          if (done === job.count) resolve();
          else step(connection);
        },
      });
    };
    for (let stream = 0; stream < job.streams; stream++) for (const connection of connections) step(connection);
  });
  const seconds = (performance.now() - start) / 1000;
  const { protocol } = connections[0]!;
  for (const connection of connections) connection.close();
  return { seconds, count: job.count, bytes, latency: percentiles(latencies), protocol };
}

interface Prepared {
  readonly headers: Buffer;
  readonly body: Buffer | undefined;
  readonly text: string;
}

/** The nth request. */
function requestsOf({ templates, from = 0, below, count }: RequestJob): (at: number) => Prepared {
  const order = rota(templates, count);
  return (at) => {
    const template = order[at % order.length]!;
    const object = below === undefined ? from + at : from + ((at * 7919) % (below - from));
    return prepare(template, object, at);
  };
}

/** @param number of the request itself */
export function prepare({ method, path, headers, body }: Template, object: number, number = object): Prepared {
  const name = path.replace('{i}', String(object));
  return {
    headers: headerBlock(method, name, headers),
    body:
      body === undefined
        ? undefined
        : Buffer.from(body.replaceAll('{i}', String(object)).replaceAll('{n}', String(number))),
    text: `${method} ${name}`,
  };
}

/** Templates by their weights, mixed evenly. */
function rota(templates: readonly Template[], count: number): Template[] {
  const total = templates.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const credit = templates.map(() => 0);
  return Array.from({ length: Math.min(total, count) }, () => {
    for (const [i, { weight = 1 }] of templates.entries()) credit[i]! += weight;
    const best = credit.indexOf(Math.max(...credit));
    credit[best]! -= total;
    return templates[best]!;
  });
}
