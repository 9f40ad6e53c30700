import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RpcClient } from './client.ts';
import { RpcError } from './errors.ts';
import { RpcServer } from './server.ts';
import { Service } from './service.ts';

interface Echo {
  text: string;
  size: number;
  kind: string;
  parts: string[];
  inner: { id: string } | null;
}

const echo = new Service<{
  Say: [Partial<Echo>, Echo];
  Count: [{ size: number }, AsyncIterable<Partial<Echo>>];
  Missing: [object, object];
}>(
  {
    nested: {
      test: {
        nested: {
          Echo: {
            methods: {
              Say: { requestType: 'Message', responseType: 'Message' },
              Count: { requestType: 'Message', responseType: 'Message', responseStream: true },
              Missing: { requestType: 'Message', responseType: 'Message' },
            },
          },
          Message: {
            fields: {
              text: { type: 'string', id: 1 },
              size: { type: 'int64', id: 2 },
              kind: { type: 'Kind', id: 3 },
              parts: { rule: 'repeated', type: 'string', id: 4 },
              inner: { type: 'Inner', id: 5 },
            },
            nested: { Kind: { values: { NONE: 0, SOME: 1 } }, Inner: { fields: { id: { type: 'string', id: 1 } } } },
          },
        },
      },
    },
  },
  'test.Echo',
);

let directory: string;
let socket: string;
const endings: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-'));
  socket = join(directory, 'echo.sock');
  endings.push(() => rm(directory, { recursive: true }));
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(handlers: Parameters<typeof RpcServer.prototype.add<(typeof echo)['methods']>>[1]) {
  const server = new RpcServer().add(echo, handlers);
  await server.listen(socket);
  endings.push(() => server.stop());
  return server;
}
function connect(): RpcClient {
  const client = new RpcClient(`unix:${socket}`);
  endings.push(() => client.close());
  return client;
}
const TEN_SECONDS = { timeoutMs: 10_000 };

test('what was decoded has all its fields', async () => {
  await serve({ Say: (request) => request as Echo });
  const client = connect();
  expect(await client.call(echo, 'Say', {}, TEN_SECONDS)).toEqual({
    text: '',
    size: 0,
    kind: 'NONE',
    parts: [],
    inner: null,
  });
  const full = { text: 'x', size: 2 ** 40, kind: 'SOME', parts: ['a', 'b'], inner: { id: 'i' } };
  expect(await client.call(echo, 'Say', full, TEN_SECONDS)).toEqual(full);
});

test('errors are in the words of Go', async () => {
  await serve({
    Say: ({ text }) => {
      throw text === 'rpc' ? new RpcError('Aborted', 'not now') : new Error('broken');
    },
  });
  const client = connect();
  const failure = (name: 'Say' | 'Missing', text: string) =>
    client.call(echo, name, { text }, TEN_SECONDS).catch((error: RpcError) => error.message);
  expect(await failure('Say', 'rpc')).toBe('rpc error: code = Aborted desc = not now');
  expect(await failure('Say', '')).toBe('rpc error: code = Unknown desc = broken');
  expect(await failure('Missing', '')).toMatch(/^rpc error: code = Unimplemented desc = /);
});

test('nobody is there', async () => {
  const error = await connect()
    .call(echo, 'Say', {}, TEN_SECONDS)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    codeName: 'Unavailable',
    details: `connection error: desc = "transport: Error while dialing: dial unix ${socket}: connect: no such file or directory"`,
  });
});

test('a call ends after its time, and when nobody wants it any more', async () => {
  const { promise: given, resolve: giveUp } = Promise.withResolvers<void>();
  const ended: string[] = [];
  await serve({
    Say: async ({ text = '' }, signal) => {
      if (text === 'abort') giveUp();
      await once(signal, 'abort');
      ended.push(text);
      return {} as Echo;
    },
  });
  const client = connect();
  await expect(client.call(echo, 'Say', { text: 'late' }, { timeoutMs: 100 })).rejects.toThrow(
    'rpc error: code = DeadlineExceeded desc = context deadline exceeded',
  );
  const abort = new AbortController();
  const call = client.call(echo, 'Say', { text: 'abort' }, { timeoutMs: 0, signal: abort.signal });
  await given;
  abort.abort();
  await expect(call).rejects.toThrow('rpc error: code = Canceled');
  await expect.poll(() => ended).toEqual(['late', 'abort']);
});

test('a stream is taken as slowly as one likes, and left', async () => {
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const sizes = { made: 0 };
  await serve({
    async *Count({ size }, signal) {
      signal.addEventListener('abort', () => resolve());
      for (let i = 0; i < size; i++) {
        sizes.made = i;
        yield { size: i, text: 'x'.repeat(100_000) };
      }
    },
  });
  const client = connect();
  const taken: number[] = [];
  for await (const { size } of client.stream(echo, 'Count', { size: 3 })) taken.push(size!);
  expect(taken).toEqual([0, 1, 2]);
  for await (const { size } of client.stream(echo, 'Count', { size: 1_000_000 })) if (size === 2) break;
  await left;
  expect(sizes.made).toBeLessThan(1000);
});

test('a stream that breaks off', async () => {
  const server = await serve({
    async *Count(_, signal) {
      yield { size: 1 };
      await once(signal, 'abort');
    },
  });
  const taken: number[] = [];
  const stream = async () => {
    for await (const { size } of connect().stream(echo, 'Count', { size: 1 })) {
      taken.push(size!);
      server.stop();
    }
  };
  await expect(stream()).rejects.toThrow(RpcError);
  expect(taken).toEqual([1]);
});

test('a client that follows says whenever the server is there or is not', async () => {
  const said: boolean[] = [];
  const first = await serve({ Say: (request) => request as Echo });
  const client = connect();
  endings.push(client.follow((connected) => said.push(connected)));
  await expect.poll(() => said).toEqual([true]);
  first.stop();
  await expect.poll(() => said).toEqual([true, false]);
  await serve({ Say: (request) => request as Echo });
  await expect.poll(() => said, { timeout: 20_000 }).toEqual([true, false, true]);
  expect(await client.call(echo, 'Say', { text: 'again' }, TEN_SECONDS)).toMatchObject({ text: 'again' });
});
