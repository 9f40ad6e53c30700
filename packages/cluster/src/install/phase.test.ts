import { expect, test } from 'vitest';
import { findPhase, type Phase, phaseNames, runPhases } from './phase.ts';
import { testInstallation } from './testing.ts';

const ran: string[] = [];
const phase = (name: string, phases: readonly Phase[] = [], more: Partial<Phase> = {}): Phase => ({
  name,
  summary: name,
  phases,
  run: async () => void ran.push(name),
  ...more,
});
const phases = [
  phase('a', [phase('x', [phase('deep')]), phase('y', [], { aliases: ['z'] })]),
  phase('b', [phase('x')], { applies: ({ systemd }) => !systemd }),
];

test.each([
  [{ skip: [], systemd: false }, 'a x deep y b x'],
  [{ skip: [], systemd: true }, 'a x deep y'],
  [{ skip: ['a'], systemd: false }, 'b x'],
  [{ skip: ['a/x', 'b/x'], systemd: false }, 'a y b'],
  [{ skip: ['a/z'], systemd: false }, 'a x deep b x'],
])('%j runs %s', async ({ skip, systemd }, expected) => {
  ran.length = 0;
  await runPhases(phases, testInstallation('', { systemd }).context, new Set(skip));
  expect(ran.join(' ')).toBe(expected);
});

test.each([
  [['a'], 'a'],
  [['a', 'all'], 'a'],
  [['a', 'x', 'deep'], 'a/x/deep'],
  [['a', 'z'], 'a/y'],
  [[], undefined],
])('%j is the phase %s', (words, path) => {
  const { found, unknown } = findPhase(phases, words);
  expect(unknown).toBeUndefined();
  expect(found && [...found.parents, found.phase].map(({ name }) => name).join('/')).toBe(path);
});

test.each([
  [['c'], 'c'],
  [['all'], 'all'],
  [['a', 'b'], 'b'],
  [['b', 'x', 'all'], 'all'],
])('%j names no phase, by %s', (words, word) => {
  expect(findPhase(phases, words)).toEqual({ found: undefined, unknown: word });
});

test('names of phases', () => {
  expect([...phaseNames(phases)]).toEqual(['a', 'a/x', 'a/x/deep', 'a/y', 'a/z', 'b', 'b/x']);
});
