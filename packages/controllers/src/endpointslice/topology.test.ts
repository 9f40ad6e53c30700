import type { Node } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { describe, expect, it, test } from 'vitest';
import { isOverloaded, ratiosOf, withZones } from './topology.ts';

const node = (zone: string | undefined, cpu: string, { ready = true, control = false } = {}): Node => ({
  metadata: {
    name: 'n',
    labels: {
      ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }),
      ...(control ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
    },
  },
  spec: {},
  status: {
    allocatable: { cpu },
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  } as unknown as Node['status'],
});

test.each<[string, Node[], Record<string, number> | undefined]>([
  ['by processors', [node('a', '1'), node('a', '2'), node('b', '1000m')], { a: 0.75, b: 0.25 }],
  [
    'those that are not ready do not count',
    [node('a', '1'), node('b', '1'), node('c', '9', { ready: false })],
    { a: 0.5, b: 0.5 },
  ],
  [
    'nor do control planes',
    [node('a', '1'), node('b', '1'), node(undefined, '9', { control: true })],
    { a: 0.5, b: 0.5 },
  ],
  ['one zone is not enough', [node('a', '1'), node('a', '1')], undefined],
  ['a node without a zone', [node('a', '1'), node('b', '1'), node(undefined, '1')], undefined],
  ['a node without processors', [node('a', '1'), node('b', '1'), node('b', '0')], undefined],
])('shares of zones: %s', (_, nodes, expected) => {
  const ratios = ratiosOf(nodes);
  expect(ratios && Object.fromEntries(ratios)).toEqual(expected);
});

/** `a` is an endpoint in zone a, `a>b` one that has a hint for b, `!a` one that is not ready. */
function slice(...endpoints: string[]): EndpointSlice {
  return {
    metadata: { name: endpoints.join() },
    addressType: 'IPv4',
    ports: [],
    endpoints: endpoints.map((text) => {
      const [, down, zone, , hint] = /^(!?)(\w*)(>(\w+))?$/.exec(text)!;
      return {
        addresses: [],
        conditions: { ready: !down },
        ...(zone ? { zone } : {}),
        ...(hint ? { hints: { forZones: [{ name: hint }] } } : {}),
      };
    }),
  };
}

function shown({ endpoints }: EndpointSlice): string {
  return (endpoints ?? [])
    .map(({ zone = '', hints }) => `${zone}${hints?.forZones ? `>${hints.forZones[0]!.name}` : ''}`)
    .join(' ');
}

const halves = { a: 0.5, b: 0.5 };
test.each<[string, Record<string, number>, string[], string]>([
  ['each its own', halves, ['a', 'b'], 'a>a b>b'],
  ['one zone gives to the other', halves, ['a', 'a', 'a', 'b'], 'a>b a>a a>a b>b'],
  ['a zone without endpoints gets some', halves, ['a', 'a'], 'a>b a>a'],
  ['what is not ready does not count', halves, ['a', 'b', '!a'], 'a>a b>b a'],
  ['by shares', { a: 0.75, b: 0.25 }, ['b', 'b', 'b', 'b'], 'b>a b>a b>a b>b'],
  ['a little too much is no reason', halves, ['a', 'a', 'a', 'a', 'b', 'b', 'b'], 'a>a a>a a>a a>a b>b b>b b>b'],
])('hints: %s', (_, shares, endpoints, expected) => {
  const ratios = new Map(Object.entries(shares));
  const { create, problem } = withZones({ create: [slice(...endpoints)], update: [], unchanged: [] }, ratios);
  expect([create.map(shown), problem]).toEqual([[expected], undefined]);
});

describe('slices that would not change', () => {
  const ratios = new Map(Object.entries(halves));
  it.each<[string, EndpointSlice, string[]]>([
    ['have hints that fit', slice('a>a', 'b>b'), []],
    ['have hints that give a zone too much', slice('a>a', 'a>a', 'a>a', 'b>a'), ['a>b a>a a>a b>b']],
    ['lack a hint', slice('a>a', 'b'), ['a>a b>b']],
    ['have one for a zone that is gone', slice('a>a', 'b>c'), ['a>a b>b']],
  ])('%s', (_, unchanged, expected) => {
    expect(withZones({ create: [], update: [], unchanged: [unchanged] }, ratios).update.map(shown)).toEqual(expected);
  });
});

test.each<[string, string[], Record<string, number> | undefined, string]>([
  [
    'nodes do not say enough',
    ['a>a'],
    undefined,
    'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
  ],
  ['there are more zones', ['a>a'], halves, 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
  [
    'some would get too much',
    ['a>a', 'b', 'b'],
    { a: 0.9, b: 0.05, c: 0.05 },
    'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
  ],
  ['an endpoint is nowhere', ['a>a', ''], halves, 'One or more endpoints do not have a zone specified'],
])('no hints where %s', (_, endpoints, shares, problem) => {
  const ratios = shares && new Map(Object.entries(shares));
  const found = withZones({ create: [], update: [], unchanged: [slice(...endpoints)] }, ratios);
  expect(found.problem).toBe(problem);
  expect(found.update.map(shown).join()).not.toContain('>');
  expect(found.update).toHaveLength(1);
});

test.each<[Record<string, number>, Record<string, number> | undefined, boolean]>([
  [{}, undefined, false],
  [{ a: 1 }, undefined, true],
  [{ a: 2, b: 2 }, halves, false],
  [{ a: 3, b: 1 }, halves, true],
  [{ a: 4 }, halves, true],
])('%j are too few for %j: %s', (counts, shares, expected) => {
  const ratios = shares && new Map(Object.entries(shares));
  expect(isOverloaded(new Map(Object.entries(counts)), ratios)).toBe(expected);
});
