import type { Deployment, ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import { describe, expect, it, test } from 'vitest';
import { newSetReplicas, rollingStep, scaleStep, wasScaled } from './scaling.ts';

const deployment = (
  replicas: number,
  maxSurge: number | string = 0,
  maxUnavailable: number | string = 0,
): Deployment => ({
  metadata: { name: 'd', uid: 'd' },
  spec: {
    replicas,
    selector: {},
    template: { metadata: {}, spec: { containers: [] } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
  },
  status: { replicas: 0 },
});

let age = 0;
/** `10/8`: ten wanted, eight available. */
function set(name: string, sizes: string, scaledFor?: [desired: number, max: number]): ReplicaSet {
  const [replicas = 0, availableReplicas = replicas] = sizes.split('/').map(Number);
  return {
    metadata: {
      name,
      creationTimestamp: `2026-01-01T00:00:${String(age++ % 60).padStart(2, '0')}Z`,
      ...(scaledFor && {
        annotations: {
          'deployment.kubernetes.io/desired-replicas': String(scaledFor[0]),
          'deployment.kubernetes.io/max-replicas': String(scaledFor[1]),
        },
      }),
    },
    spec: { replicas, selector: {}, template: { metadata: {}, spec: { containers: [] } } },
    status: { replicas, availableReplicas },
  };
}
const said = (scales: readonly { set: ReplicaSet; replicas: number }[]) =>
  Object.fromEntries(scales.map(({ set: { metadata }, replicas }) => [metadata.name, replicas]));

test.each([
  ['all at once where there is nothing', 10, 2, [], 0, 10],
  ['as far as the surge goes', 10, 2, ['10'], 0, 2],
  ['not at all where there is no room', 10, 0, ['10'], 0, 0],
  ['percentages are rounded up', 10, '25%', ['10'], 0, 3],
  ['no more than wanted', 10, 5, ['6'], 4, 9],
])('the new set grows: %s', (_, wanted, surge, old, current, expected) => {
  const sets = [...old.map((sizes, i) => set(`old${i}`, sizes)), set('new', String(current))];
  expect(newSetReplicas(deployment(wanted, surge, 1), sets, current)).toBe(expected);
});

describe('a step of a rolling update', () => {
  it.each<[string, wanted: number, surge: number, unavailable: number, now: string, old: string[], object]>([
    ['grows first', 10, 2, 0, '0', ['10'], { new: 2 }],
    ['shrinks when it cannot grow', 10, 2, 0, '2', ['10'], { old0: 8 }],
    ['waits for what is coming up', 10, 2, 0, '2/0', ['10'], {}],
    ['never below what must be available', 10, 2, 2, '2/0', ['10'], { old0: 8 }],
    ['takes what is not available first, wherever it is', 10, 0, 2, '0', ['6/6', '4/1'], { old1: 2 }],
    ['shrinks the oldest', 10, 0, 3, '0', ['5', '5'], { old0: 2 }],
    ['goes down to what is wanted', 3, 1, 0, '5', [], { new: 3 }],
    ['is over', 3, 1, 0, '3', ['0'], {}],
  ])('%s', (_, wanted, surge, unavailable, current, old, expected) => {
    const step = rollingStep(
      deployment(wanted, surge, unavailable),
      set('new', current),
      old.map((sizes, i) => set(`old${i}`, sizes)),
    );
    expect(said(step)).toEqual(expected);
  });
});

describe('scaling', () => {
  it('is due when sets were scaled for another number', () => {
    expect(wasScaled(deployment(10), [set('a', '5', [5, 5])])).toBe(true);
    expect(wasScaled(deployment(10), [set('a', '5', [10, 12]), set('b', '0', [5, 5])])).toBe(false);
  });

  it.each<[string, wanted: number, surge: number, current: string | undefined, old: [string, number][], object]>([
    [
      'the only active set takes all',
      8,
      0,
      undefined,
      [
        ['5', 5],
        ['0', 5],
      ],
      { old0: 8 },
    ],
    [
      'the newest where none is active',
      8,
      0,
      undefined,
      [
        ['0', 5],
        ['0', 5],
      ],
      { old1: 8 },
    ],
    ['up, in proportion', 20, 0, '5', [['5', 10]], { new: 10, old0: 10 }],
    ['down, in proportion', 5, 0, '6', [['4', 10]], { new: 3, old0: 2 }],
    ['the newest of the largest comes first', 11, 0, '4', [['4', 8]], { new: 6, old0: 5 }],
    ['to nothing', 0, 0, '5', [['5', 10]], { new: 0, old0: 0 }],
    ['with the surge', 6, 4, '2', [['4', 6]], { new: 3, old0: 7 }],
  ])('%s', (_, wanted, surge, current, old, expected) => {
    const sets = old.map(([sizes, max], i) => set(`old${i}`, sizes, [max, max]));
    const max = old[0]?.[1] ?? 0;
    const now = current === undefined ? undefined : set('new', current, [max, max]);
    expect(said(scaleStep(deployment(wanted, surge, 1), now, sets))).toEqual(expected);
  });

  it('a saturated new set ends the old ones', () => {
    const sets = [set('old', '2', [5, 5])];
    expect(said(scaleStep(deployment(5), set('new', '5', [5, 5]), sets))).toEqual({ old: 0 });
  });
});
