import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Rounds } from './rounds.ts';

let rounds: Rounds;
let written: string[];

beforeEach(() => {
  vi.useFakeTimers();
  rounds = new Rounds(() => performance.now());
  written = [];
});
afterEach(() => void vi.useRealTimers());

const writer = (name: string) => () => void written.push(name);

it('writes at once after a while of silence', () => {
  rounds.join(writer('a'));
  vi.advanceTimersByTime(0);
  expect(written).toEqual(['a']);
});

it('gathers what comes during a pause, each writer once', () => {
  const [a, b] = [writer('a'), writer('b')];
  rounds.join(a);
  vi.advanceTimersToNextTimer().advanceTimersToNextTimer();
  for (const write of [a, b, a]) rounds.join(write);
  vi.advanceTimersByTime(0);
  expect(written).toEqual(['a']);
  vi.advanceTimersByTime(1);
  expect(written).toEqual(['a', 'a', 'b']);
});

it('lets other work go on within a round of many, and takes who joins meanwhile in the next', () => {
  const many = Array.from({ length: 450 }, (_, i) => writer(String(i)));
  for (const write of many) rounds.join(write);
  vi.advanceTimersToNextTimer();
  expect(written.length).toBe(200);
  rounds.join(many[0]!);
  vi.advanceTimersToNextTimer().advanceTimersToNextTimer();
  expect(written.length).toBe(450);
  vi.advanceTimersByTime(10);
  expect(written.at(-1)).toBe('0');
  expect(written.length).toBe(451);
});

it('pauses half as long as the round took', () => {
  const slow = () => {
    written.push('slow');
    vi.setSystemTime(Date.now() + 50);
    vi.advanceTimersByTime(50);
  };
  rounds.join(slow);
  vi.advanceTimersByTime(0);
  rounds.join(writer('next'));
  vi.advanceTimersByTime(24);
  expect(written).toEqual(['slow']);
  vi.advanceTimersByTime(1);
  expect(written).toEqual(['slow', 'next']);
});
