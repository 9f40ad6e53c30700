import { expect, it } from 'vitest';
import { SharedQuestion } from './shared-question.ts';

/** Questions that are answered by hand, by the order in which they were put. */
function byHand() {
  const open: { resolve: (answer: string) => void; reject: (error: Error) => void }[] = [];
  const put = () => new Promise<string>((resolve, reject) => void open.push({ resolve, reject }));
  return { open, question: new SharedQuestion(put) };
}

const turn = () => new Promise(setImmediate);

it('all who ask in one turn share a question; who asks once it is put does not', async () => {
  const { open, question } = byHand();
  const asked = [question.ask(), Promise.resolve().then(() => question.ask())];
  expect(open.length).toBe(0);
  await turn();
  expect(open.length).toBe(1);
  const later = question.ask();
  await turn();
  expect(open.length).toBe(2);
  open[1]!.resolve('2');
  expect(await later).toBe('2');
  open[0]!.resolve('1');
  expect(await Promise.all(asked)).toEqual(['1', '1']);
});

it('where many are under way, all who come share one that is put when one of them is answered', async () => {
  const { open, question } = byHand();
  const first: Promise<string>[] = [];
  for (let i = 0; i < 4; i++) {
    first.push(question.ask());
    await turn();
  }
  const waiting = question.ask();
  await turn();
  const joined = question.ask();
  await turn();
  expect(open.length).toBe(4);
  open[2]!.resolve('3');
  expect(await first[2]).toBe('3');
  await turn();
  expect(open.length).toBe(5);
  open[4]!.resolve('5');
  expect(await Promise.all([waiting, joined])).toEqual(['5', '5']);
});

it('a failure is that of those who asked it', async () => {
  const { open, question } = byHand();
  const first = question.ask();
  await turn();
  const second = question.ask();
  open[0]!.reject(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await turn();
  open[1]!.resolve('2');
  expect(await second).toBe('2');
});

it('a question that cannot be put is a failure like others', async () => {
  let isClosed = true;
  const question = new SharedQuestion(() => {
    if (isClosed) throw new Error('closed');
    return Promise.resolve('open');
  });
  await expect(question.ask()).rejects.toThrow('closed');
  isClosed = false;
  expect(await question.ask()).toBe('open');
});
