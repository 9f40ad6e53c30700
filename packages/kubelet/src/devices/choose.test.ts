import { describe, expect, it } from 'vitest';
import { chooseDevices, type Supply } from './choose.ts';

const set = (...ids: string[]) => new Set(ids);
const NOTHING: Supply = {
  held: undefined,
  reusable: set(),
  healthy: set('d1', 'd2', 'd3', 'd4'),
  taken: set(),
  runs: false,
  prefer: () => Promise.resolve(undefined),
};
const choose = (count: number, supply: Partial<Supply>) =>
  chooseDevices({ uid: 'u1', container: 'c', resource: 'a.io/x', count }, { ...NOTHING, ...supply });

describe('chooseDevices', () => {
  it.each<[string, number, Partial<Supply>, string[]]>([
    ['the first that are free', 2, { taken: set('d1') }, ['d2', 'd3']],
    ['no unhealthy ones', 1, { healthy: set('d4') }, ['d4']],
    ['nothing, where the container has them', 1, { held: set('d1'), taken: set('d1') }, []],
    ['nothing, where none is asked for', 0, {}, []],
    ['nothing, where it runs', 1, { runs: true, healthy: undefined }, []],
    ['those of init containers', 1, { reusable: set('d2', 'd1'), taken: set('d1', 'd2', 'd3', 'd4') }, ['d1']],
    ['more than those of init containers', 3, { reusable: set('d2'), taken: set('d1', 'd2') }, ['d2', 'd3', 'd4']],
    ['what the plugin prefers', 2, { prefer: () => Promise.resolve(['d4', 'd2']) }, ['d2', 'd4']],
    ['others, where it prefers too few', 2, { prefer: () => Promise.resolve(['d3']) }, ['d1', 'd3']],
    ['those that are near', 2, { nearness: (id) => (id > 'd2' ? 0 : 1) }, ['d3', 'd4']],
    [
      'what is near before others',
      3,
      { nearness: (id) => (id === 'd4' ? 0 : id === 'd1' ? 2 : 1) },
      ['d2', 'd3', 'd4'],
    ],
    [
      'what the plugin prefers of those that are near',
      1,
      { nearness: (id) => (id > 'd2' ? 0 : 1), prefer: async (available) => [...available].reverse() },
      ['d4'],
    ],
    ['not what is taken', 1, { taken: set('d4'), prefer: () => Promise.resolve(['d4', 'd9']) }, ['d1']],
  ])('takes %s', async (_, count, supply, want) => expect(await choose(count, supply)).toEqual(want));

  it.each<[number, Partial<Supply>, string]>([
    [1, { healthy: undefined }, 'cannot allocate unregistered device a.io/x'],
    [1, { healthy: set() }, 'no healthy devices present; cannot allocate unhealthy devices a.io/x'],
    [
      1,
      { held: set('d9') },
      'previously allocated devices are no longer healthy; cannot allocate unhealthy devices a.io/x',
    ],
    [2, { held: set('d1') }, 'pod "u1" container "c" changed request for resource "a.io/x" from 1 to 2'],
    [5, {}, 'requested number of devices unavailable for a.io/x. Requested: 5, Available: 4'],
    [
      3,
      { reusable: set('d1'), taken: set('d1', 'd2', 'd3') },
      'requested number of devices unavailable for a.io/x. Requested: 2, Available: 1',
    ],
  ])('%# refuses', async (count, supply, message) => {
    await expect(choose(count, supply)).rejects.toThrow(new Error(message));
  });

  it('tells the plugin what there is, and what is decided already', async () => {
    const asked: unknown[] = [];
    const prefer = (...of: unknown[]) => {
      asked.push(of);
      return Promise.resolve([]);
    };
    await choose(2, { reusable: set('d2'), taken: set('d2', 'd3'), prefer });
    expect(asked).toEqual([[['d1', 'd2', 'd4'], ['d2'], 2]]);
  });
});
