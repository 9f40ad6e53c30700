import { expect, it } from 'vitest';
import { retire } from './retire.ts';

it.each([
  ['done', () => Promise.resolve(), 60_000, []],
  ['failing', () => Promise.reject(new Error('forbidden')), 60_000, ['forbidden']],
  ['unanswered', () => new Promise<void>(() => {}), 1, ['the store does not answer']],
])('waits for what is %s, and no longer', async (_, work, timeoutMs, reported) => {
  const said: string[] = [];
  await retire(work(), (thrown) => said.push((thrown as Error).message), timeoutMs);
  expect(said).toEqual(reported);
});
