import type { StorageVersionMigration } from '@keelson/api/generated/types/storagemigration/v1beta1';
import { expect, test } from 'vitest';
import { ended, entered, isIn, isOver, type Stage, turnOf } from './state.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
function migration(name: string, created: number, ...stages: Stage[]): StorageVersionMigration {
  const bare: StorageVersionMigration = {
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${created}Z` },
    spec: { resource: { group: 'example.com', resource: 'foos' } },
    status: {},
  };
  return stages.reduce((so, stage) => entered(so, stage, 'Reason', '', NOW), bare);
}

test.each<[string, StorageVersionMigration[], string | undefined, string[]]>([
  ['the oldest begins', [migration('a', 2), migration('b', 1)], 'b', []],
  ['of two of one age the first by name', [migration('b', 1), migration('a', 1)], 'a', []],
  ['one at a time', [migration('a', 1), migration('b', 2, 'Running')], undefined, []],
  ['one that is over makes room', [migration('a', 3), migration('b', 2, 'Running', 'Succeeded')], 'a', ['b']],
  ['one that has failed does not begin again', [migration('a', 1, 'Failed')], undefined, []],
])('%s', (_, migrations, next, over) => {
  const turn = turnOf(migrations);
  expect(turn.next?.metadata.name).toBe(next);
  expect(turn.over.map(({ metadata }) => metadata.name)).toEqual(over);
});

test('stages are entered once, and what has ended does not run', () => {
  const running = migration('a', 1, 'Running');
  expect(entered(running, 'Running', 'Other', '', NOW + 5)).toBe(running);
  const failed = entered(running, 'Failed', 'Why', 'because', NOW);
  expect([isOver(running), isOver(failed)]).toEqual([false, true]);
  expect(isIn(ended(failed, NOW), 'Running')).toBe(false);
});
