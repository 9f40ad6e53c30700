import { expect, it } from 'vitest';
import { SharedQuestion } from './shared-question.ts';

/** Questions that are answered by hand, by the order in which they were put. */
function byHand() {
  const open: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  const put = () => new Promise<string>((resolve, reject) => void open.push({ resolve, reject }));
  return { open, question: new SharedQuestion(put) };
}

it('one that is under way answers who asked before; all others share the next', async () => {
  const { open, question } = byHand();
  const first = question.ask();
  const [second, third] = [question.ask(), question.ask()];
  expect(open.length).toBe(1);
  open[0]!.resolve('1');
  expect(await first).toBe('1');
  await Promise.resolve();
  expect(open.length).toBe(2);
  const fourth = question.ask();
  open[1]!.resolve('2');
  expect(await Promise.all([second, third])).toEqual(['2', '2']);
  await Promise.resolve();
  expect(open.length).toBe(3);
  open[2]!.resolve('3');
  expect(await fourth).toBe('3');
});

it('a failure is that of those who asked it', async () => {
  const { open, question } = byHand();
  const first = question.ask();
  const second = question.ask();
  open[0]!.reject(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await new Promise(setImmediate);
  open[1]!.resolve('2');
  expect(await second).toBe('2');
  await new Promise(setImmediate);
  const third = question.ask();
  open[2]!.resolve('3');
  expect(await third).toBe('3');
});
