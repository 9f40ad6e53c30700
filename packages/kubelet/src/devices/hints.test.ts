import { expect, it } from 'vitest';
import { idsIn, nodesOf } from '../topology/hints.ts';
import { type DeviceSupply, deviceHints, nearness } from './hints.ts';

const at = (id: string, ...nodes: number[]) => [id, { id, healthy: true, nodes }] as const;
const devices = new Map([at('a', 0), at('b', 0), at('c', 1), at('d', 1), at('e')]);
const set = (...ids: string[]) => new Set(ids);
const SUPPLY: DeviceSupply = {
  nodes: [0, 1, 2],
  devices,
  held: set(),
  reusable: set(),
  free: set('a', 'b', 'c', 'd', 'e'),
};

it.each<[string, number, Partial<DeviceSupply>, string[] | undefined]>([
  ['one of either node', 1, {}, ['0!', '1!', '0,1']],
  ['two of one node', 2, { free: set('a', 'c', 'd') }, ['1!', '0,1']],
  ['more than a node has', 3, {}, ['0,1!']],
  ['too few', 3, { free: set('a', 'b') }, []],
  ['those that are held', 2, { held: set('c', 'd'), free: set() }, ['1!', '0,1']],
  ['others than are held', 1, { held: set('c', 'd') }, []],
  ['those of init containers', 2, { reusable: set('c'), free: set('a', 'd') }, ['1!', '0,1']],
  ['devices that are near to nothing', 1, { devices: new Map([at('e')]), free: set('e') }, undefined],
  ['a node that the machine has not', 1, { devices: new Map([at('x', 7)]), free: set('x') }, []],
])('%s', (_, count, more, want) => {
  const hints = deviceHints(count, { ...SUPPLY, ...more });
  expect(hints?.map(({ nodes, preferred }) => `${idsIn(nodes!)}${preferred ? '!' : ''}`)).toEqual(want);
});

it.each([
  [[0], 0],
  [[0, 1], 0],
  [[1], 1],
  [[], 2],
])('a device on %j is %d away', (nodes, want) => expect(nearness({ nodes }, nodesOf([0]))).toBe(want));
