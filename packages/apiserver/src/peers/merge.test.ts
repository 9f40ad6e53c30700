import { describe, expect, it } from 'vitest';
import type { GroupDiscovery, ResourceDiscovery } from '../discovery/documents.ts';
import { mergeGroups, mergeOrders } from './merge.ts';

describe('the order of all names', () => {
  it.each<[string, string[][], string[]]>([
    ['of none', [], []],
    ['of one that has all', [['b'], ['c', 'b', 'a'], ['c', 'a']], ['c', 'b', 'a']],
    [
      'of the first that has all',
      [
        ['b', 'a'],
        ['a', 'b'],
      ],
      ['b', 'a'],
    ],
    [
      'is that of neighbours, then of the alphabet',
      [
        ['x', 'b'],
        ['x', 'a', 'c'],
      ],
      ['x', 'a', 'b', 'c'],
    ],
    ['waits for who comes before', [['z', 'a'], ['b']], ['b', 'z', 'a']],
    [
      'is the alphabet where lists contradict each other',
      [
        ['c', 'b'],
        ['b', 'c', 'a'],
        ['d', 'c'],
      ],
      ['a', 'b', 'c', 'd'],
    ],
  ])('%s', (_what, lists, order) => expect(mergeOrders(lists)).toEqual(order));
});

const resource = (name: string, more: Partial<ResourceDiscovery> = {}): ResourceDiscovery => ({
  resource: name,
  responseKind: { group: '', version: '', kind: name },
  scope: 'Namespaced',
  singularResource: '',
  verbs: ['list'],
  ...more,
});
const group = (name: string, versions: Record<string, ResourceDiscovery[]>): GroupDiscovery => ({
  metadata: { name },
  versions: Object.entries(versions).map(([version, resources]) => ({ version, resources, freshness: 'Current' })),
});
const below = (name: string) => ({
  subresource: name,
  responseKind: { group: '', version: '', kind: name },
  verbs: [],
});

describe('the discovery of several servers', () => {
  it('has what any of them has', () => {
    const a = [group('apps', { v1: [resource('deployments')] }), group('batch', { v1: [resource('jobs')] })];
    const b = [
      group('apps', { v2: [resource('deployments')], v1: [resource('deployments'), resource('replicasets')] }),
      group('policy', { v1: [resource('budgets')] }),
    ];
    expect(mergeGroups(new Map(Object.entries({ b, a })))).toEqual([
      group('apps', { v2: [resource('deployments')], v1: [resource('deployments'), resource('replicasets')] }),
      group('batch', { v1: [resource('jobs')] }),
      group('policy', { v1: [resource('budgets')] }),
    ]);
  });

  it('has verbs and subresources of all, and the rest of the first', () => {
    const a = [group('g', { v1: [resource('r', { verbs: ['watch', 'get'], shortNames: ['a'] })] })];
    const b = [
      group('g', {
        v1: [resource('r', { verbs: ['create'], shortNames: ['b'], subresources: [below('y'), below('x')] })],
      }),
    ];
    const verbs = ['create', 'get', 'watch'];
    expect(mergeGroups(new Map(Object.entries({ b, a })))).toEqual([
      group('g', { v1: [resource('r', { verbs, shortNames: ['a'], subresources: [below('x'), below('y')] })] }),
    ]);
  });

  it('is what one says where all say the same, the order of verbs too', () => {
    const one = [group('g', { v1: [resource('r', { verbs: ['watch', 'get'] })] })];
    expect(mergeGroups(new Map(Object.entries({ b: structuredClone(one), a: one })))).toEqual(one);
  });
});
