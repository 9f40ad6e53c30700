import { expect, test } from 'vitest';
import type { PodStats } from '../stats.ts';
import { ofCurrent } from './runtime.ts';

const container = (id: string, name: string, nanoseconds?: number): PodStats['containers'][number] => ({
  id,
  name,
  cpu: nanoseconds === undefined ? undefined : { at: 1, coreNanoseconds: nanoseconds },
});

test.each([
  ['one that has ended and one that runs', [container('1', 'a'), container('2', 'a', 5)], ['2']],
  ['the other way round', [container('2', 'a', 5), container('1', 'a', 0)], ['2']],
  ['only ended ones', [container('1', 'a'), container('2', 'a')], ['1']],
  ['others', [container('1', 'a', 5), container('2', 'b', 5)], ['1', '2']],
])('of each name one container: %s', (_what, containers, want) => {
  const pod: PodStats = { uid: 'u', name: 'p', namespace: 'n', containers };
  expect(ofCurrent(pod).containers.map(({ id }) => id)).toEqual(want);
});
