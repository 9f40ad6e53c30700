import { Duplex, PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { throttled, throttledInto } from './throttle.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

test.each([0, undefined])('%s is no limit', (limit) => {
  const stream = new PassThrough();
  expect(throttled(stream, limit)).toBe(stream);
  expect(throttledInto(stream, limit)).toBe(stream);
});

test.each([
  [100, 10],
  [1, 1],
])('%d bytes per second are %d in a tenth of one', async (limit, perSample) => {
  const from = new PassThrough();
  const to = throttled(from, limit);
  let got = 0;
  to.on('data', (chunk: Buffer) => {
    got += chunk.length;
  });
  from.write(Buffer.alloc(25));
  for (let sample = 1; sample <= 3; sample++) {
    await vi.advanceTimersByTimeAsync(0);
    expect(got).toBe(Math.min(25, perSample * sample));
    await vi.advanceTimersByTimeAsync(100);
  }
});

test('what came before a connection broke is passed on, at its pace', async () => {
  const from = new PassThrough();
  const all = buffer(throttled(from, 100));
  from.write(Buffer.alloc(25, 'a'));
  await vi.advanceTimersByTimeAsync(0);
  from.destroy();
  await vi.advanceTimersByTimeAsync(1000);
  expect((await all).length).toBe(25);
});

test('the end of who writes, and of who is written to', async () => {
  const got: string[] = [];
  const to = new Duplex({
    read() {},
    write(chunk, _, done) {
      got.push(String(chunk));
      done();
    },
  });
  const input = throttledInto(to, 20);
  input.end('abc');
  await vi.advanceTimersByTimeAsync(1000);
  expect(got).toEqual(['ab', 'c']);
  expect(to.writableFinished).toBe(true);

  const gone = new PassThrough();
  const other = throttledInto(gone, 20);
  gone.destroy();
  await vi.advanceTimersByTimeAsync(0);
  expect(other.destroyed).toBe(true);
});
