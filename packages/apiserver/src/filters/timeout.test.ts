import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RequestContext } from '../context.ts';
import { timeout } from './timeout.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIMIT_S = 60;
const request = (query: string, verb = 'get') =>
  ({ info: { verb, subresource: '', path: '/', query: new URLSearchParams(query) } }) as unknown as RequestContext;
/** @returns after how many ms the answer came, and what it was */
async function served(ctx: RequestContext, limitSeconds = LIMIT_S): Promise<readonly [number, string]> {
  const start = Date.now();
  const never = () => new Promise<void>(() => {});
  const answer = Promise.race([
    timeout(limitSeconds)(ctx, never),
    new Promise((resolve) => setTimeout(resolve, 1e6)),
  ]).then(
    () => 'none',
    (error: Error) => error.message,
  );
  let end = start;
  void answer.then(() => {
    end = Date.now();
  });
  await vi.advanceTimersByTimeAsync(2e6);
  return [end - start, await answer];
}

const LATE = 'Timeout: request did not complete within the allotted timeout';
test.each([
  ['', 60_000],
  ['timeout=', 60_000],
  ['timeout=0s', 60_000],
  ['timeout=-1s', 60_000],
  ['timeout=3m', 60_000],
  ['timeout=1.5s', 1_500],
])('%s', async (query, expected) => {
  expect(await served(request(query))).toEqual([expected, LATE]);
});

test('the wish holds where there is no limit', async () => {
  expect(await served(request('timeout=2s'), 0)).toEqual([2_000, LATE]);
});

test('what is no duration is refused, but not where there is no end', async () => {
  const why = 'invalid timeout specified in the request URL - time: invalid duration "invalid"';
  expect(await served(request('timeout=invalid'))).toEqual([0, why]);
  expect((await served(request('timeout=invalid', 'watch')))[1]).toBe('none');
});
