import { expect, test } from 'vitest';
import { ProfilingInUse, takeProfile } from './profiles.ts';

const patiently = () => {};

test('a profile of the CPU says which functions took the time', async () => {
  function busyForAWhile(): void {
    for (const end = performance.now() + 100; performance.now() < end; );
  }
  let end = () => {};
  const taken = takeProfile('cpu', 60_000, (gone) => {
    busyForAWhile();
    end = gone;
    gone();
  });
  const profile = JSON.parse(await taken);
  end();
  expect(profile.samples.length).toBe(profile.timeDeltas.length);
  const names = profile.nodes.map((node: { callFrame: { functionName: string } }) => node.callFrame.functionName);
  expect(names).toContain('busyForAWhile');
});

test('a profile of the heap says who allocated what is still there', async () => {
  const kept: unknown[] = [];
  const profile = JSON.parse(
    await takeProfile('heap', 60_000, (gone) => {
      for (let i = 0; i < 200_000; i++) kept.push({ i });
      gone();
    }),
  );
  expect(kept.length).toBe(200_000);
  const sizeOf = ({ selfSize, children }: { selfSize: number; children: object[] }): number =>
    children.reduce((sum, child) => sum + sizeOf(child as never), selfSize);
  expect(sizeOf(profile.head)).toBeGreaterThan(1_000_000);
});

test.each(['cpu', 'heap'] as const)('one profile of a kind at a time: %s', async (kind) => {
  let end = () => {};
  const first = takeProfile(kind, 60_000, (gone) => {
    end = gone;
  });
  await expect(takeProfile(kind, 1, patiently)).rejects.toThrow(ProfilingInUse);
  const isRunning = setInterval(() => end(), 1);
  await first;
  clearInterval(isRunning);
  await takeProfile(kind, 1, patiently);
});
