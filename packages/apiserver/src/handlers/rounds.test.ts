import { beforeEach, expect, it, vi } from 'vitest';
import { Rounds } from './rounds.ts';

let rounds: Rounds;
let written: string[];

beforeEach(() => {
  vi.useFakeTimers();
  rounds = new Rounds(0);
  written = [];
  return () => void vi.useRealTimers();
});

const writer = (name: string) => () => void written.push(name);

it('writes when the turn is over, each writer once', () => {
  const [a, b] = [writer('a'), writer('b')];
  for (const write of [a, b, a]) rounds.join(write);
  expect(written).toEqual([]);
  vi.advanceTimersToNextTimer();
  expect(written).toEqual(['a', 'b']);
});

it('lets other work go on within a round of many, and takes who joins meanwhile in the next', () => {
  const many = Array.from({ length: 450 }, (_, i) => writer(String(i)));
  for (const write of many) rounds.join(write);
  vi.advanceTimersToNextTimer();
  expect(written.length).toBe(200);
  for (const write of [many[0]!, many[1]!]) rounds.join(write);
  vi.advanceTimersToNextTimer().advanceTimersToNextTimer();
  expect(written.length).toBe(450);
  vi.advanceTimersToNextTimer();
  expect(written.slice(450)).toEqual(['0', '1']);
});

it('goes on after a round that nobody waited for', () => {
  rounds.join(writer('a'));
  vi.runAllTimers();
  rounds.join(writer('b'));
  vi.runAllTimers();
  expect(written).toEqual(['a', 'b']);
});

it('pauses where it is told to', () => {
  rounds = new Rounds(3);
  rounds.join(writer('a'));
  vi.advanceTimersByTime(0);
  rounds.join(writer('b'));
  vi.advanceTimersByTime(2);
  expect(written).toEqual(['a']);
  rounds.join(writer('c'));
  vi.advanceTimersByTime(1);
  expect(written).toEqual(['a', 'b', 'c']);
  vi.advanceTimersByTime(3);
  rounds.join(writer('d'));
  vi.advanceTimersByTime(0);
  expect(written.at(-1)).toBe('d');
});
