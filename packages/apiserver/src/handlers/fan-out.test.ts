import { beforeEach, expect, it } from 'vitest';
import { FanOut } from './fan-out.ts';

let now: number;
let fanOut: FanOut;
let written: string[];

beforeEach(() => {
  now = 0;
  fanOut = new FanOut(() => now);
  written = [];
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const writers = (count: number, ms = 0) =>
  Array.from({ length: count }, (_, i) => () => {
    now += ms;
    written.push(String(i));
  });

it('writes when the turn is over, each writer once', async () => {
  const [first, second] = writers(2);
  for (const write of [first!, second!, first!]) fanOut.join(write);
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual(['0', '1']);
  await turn();
  expect(written).toEqual(['0', '1']);
});

it('lets other work go on between slices; who joins while it waits is written to once, who has been written to again', async () => {
  const all = writers(45);
  for (const write of all) fanOut.join(write);
  await turn();
  expect(written.length).toBe(20);
  for (const write of [all[0]!, all[44]!]) fanOut.join(write);
  await turn();
  await turn();
  expect(written.slice(-6)).toEqual(['40', '41', '42', '43', '44', '0']);
  await turn();
  expect(written.length).toBe(46);
});

it('goes on after a pause', async () => {
  const [write] = writers(1);
  for (let i = 1; i <= 2; i++) {
    fanOut.join(write!);
    await turn();
    expect(written.length).toBe(i);
  }
});

it('does not let those wait who are late', async () => {
  for (const write of writers(400)) fanOut.join(write);
  await turn();
  expect(written.length).toBe(20);
  now += 14;
  await turn();
  expect(written.length).toBe(40);
  const [late] = writers(1);
  fanOut.join(late!);
  now += 1;
  await turn();
  expect(written.length).toBe(140);
  await turn();
  await turn();
  expect(written.length).toBe(340);
  await turn();
  expect(written.length).toBe(400);
  await turn();
  expect(written.length).toBe(401);
});

it.each([
  ['few requests: as many as always', 0.1, 20],
  ['as long as half of what requests took', 8, 40],
  ['a bound for all others', 1000, 200],
])('%s', async (_, requestsMs, expected) => {
  // A write takes 0.1 ms, which is known after some slices.
  for (let slice = 0; slice < 100; slice++) {
    for (const write of writers(20, 0.1)) fanOut.join(write);
    await turn();
  }
  for (const write of writers(300, 0.1)) fanOut.join(write);
  const before = written.length;
  now += requestsMs;
  await turn();
  expect(written.length - before).toBe(expected);
});
