import { expect, it, vi } from 'vitest';
import { SharedBody, SharedLists } from './shared-lists.ts';

/** A source that says how often it was asked, and waits for the test before each chunk. */
function steered(chunks: readonly string[]) {
  const made: string[] = [];
  async function* source(): AsyncIterable<Buffer> {
    for (const chunk of chunks) {
      await new Promise((resolve) => setImmediate(resolve));
      made.push(chunk);
      yield Buffer.from(chunk);
    }
  }
  return { source, made };
}

async function read(body: SharedBody): Promise<string> {
  let text = '';
  for (let i = 0; ; i++) {
    const chunk = await body.chunkAt(i);
    if (!chunk) return text;
    text += chunk;
  }
}

it('makes each chunk once, whoever is ahead, and has them for who comes later', async () => {
  const { source, made } = steered(['a', 'b', 'c']);
  const body = new SharedBody(source());
  expect(String(await body.chunkAt(0))).toBe('a');
  expect(made).toEqual(['a']);
  expect(await Promise.all([read(body), read(body)])).toEqual(['abc', 'abc']);
  expect(await read(body)).toBe('abc');
  expect(made).toEqual(['a', 'b', 'c']);
});

it('fails for all when the source does', async () => {
  const body = new SharedBody(
    (async function* () {
      yield Buffer.from('a');
      throw new Error('broken');
    })(),
  );
  await Promise.all([read(body), read(body)].map((reading) => expect(reading).rejects.toThrow('broken')));
  expect(String(await body.chunkAt(0))).toBe('a');
  await expect(body.chunkAt(1)).rejects.toThrow('broken');
});

it('shares from the second on, for a second, and what is neither small nor large', async () => {
  vi.useFakeTimers();
  const lists = new SharedLists();
  const { source } = steered(['a']);
  const join = (key: string, bytes = 100_000) => lists.join(key, bytes, source);
  expect(join('k')).toBeUndefined();
  const body = join('k');
  expect(body).toBeInstanceOf(SharedBody);
  expect(join('k')).toBe(body);
  expect(join('other')).toBeUndefined();
  vi.advanceTimersByTime(1000);
  expect(join('k')).toBeUndefined();
  for (const bytes of [100, 5 << 20]) {
    join(`of ${bytes}`, bytes);
    expect(join(`of ${bytes}`, bytes)).toBeUndefined();
  }
  vi.useRealTimers();
});

it('holds no more than a bound, and less again later', () => {
  vi.useFakeTimers();
  const lists = new SharedLists();
  const { source } = steered(['a']);
  const shared = () =>
    Array.from({ length: 6 }, (_, i) => {
      lists.join(`${i}`, 4 << 20, source);
      return lists.join(`${i}`, 4 << 20, source) !== undefined;
    });
  expect(shared()).toEqual([true, true, true, true, false, false]);
  vi.advanceTimersByTime(1000);
  expect(shared()).toEqual([true, true, true, true, false, false]);
  vi.useRealTimers();
});
