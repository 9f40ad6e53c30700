import { describe, expect, it } from 'vitest';
import { filteredOf, scoresOf, succeeded, victimsOf } from './answers.ts';

const nothing = { names: undefined, nodes: [], failed: new Map(), hopeless: new Map() };

describe('answers of extenders', () => {
  it.each<[string, (answer: unknown) => unknown, unknown, unknown]>([
    ['nothing filtered', filteredOf, null, nothing],
    ['null for all', filteredOf, { NodeNames: null, Nodes: null, FailedNodes: null, Error: null }, nothing],
    [
      'names in any case',
      filteredOf,
      { nodenames: [], nodes: { items: [{ metadata: { name: 'a' } }] }, failedNodes: { B: 'busy' } },
      { ...nothing, names: [], nodes: ['a'], failed: new Map([['B', 'busy']]) },
    ],
    ['no scores', scoresOf, null, []],
    [
      'scores',
      scoresOf,
      [{ host: 'a', Score: 3 }, {}],
      [
        { host: 'a', score: 3 },
        { host: '', score: 0 },
      ],
    ],
    ['no victims', victimsOf, {}, new Map()],
    [
      'victims',
      victimsOf,
      { nodeNameToMetaVictims: { A: null, b: { pods: [{ uid: 'u' }], NumPDBViolations: 2 } } },
      new Map([
        ['A', { uids: [], violations: 0 }],
        ['b', { uids: ['u'], violations: 2 }],
      ]),
    ],
  ])('%s', (_, read, answer, value) => expect(read(answer)).toEqual(value));

  it.each<[unknown, (answer: unknown) => unknown, string]>([
    [{ Error: 'full' }, succeeded, 'full'],
    ['yes', succeeded, 'the answer must be an object'],
    [{ NodeNames: 'a' }, filteredOf, 'nodenames must be a list'],
    [{ FailedNodes: { a: 1 } }, filteredOf, 'failednodes.a must be a string'],
    [{ Host: 'a', Score: 1 }, scoresOf, 'the scores must be a list'],
    [[{ Host: 'a', Score: '1' }], scoresOf, 'score must be a number'],
    [[{ Host: 'a', Score: 0.5 }], scoresOf, 'score must be an integer'],
    [{ NodeNameToMetaVictims: { a: { Pods: 1 } } }, victimsOf, 'pods must be a list'],
  ])('not %j', (answer, read, problem) => expect(() => read(answer)).toThrow(problem));
});
