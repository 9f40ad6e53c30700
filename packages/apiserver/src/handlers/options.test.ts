import { expect, it } from 'vitest';
import { listOptions } from './options.ts';
import type { Scope } from './scope.ts';

const INITIAL = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

function optionsOf(query: string, hasWatchLists = true) {
  const scope = { ctx: { info: { query: new URLSearchParams(query) } }, isEnabled: () => hasWatchLists };
  return listOptions(scope as unknown as Scope);
}

it('lists within watches are refused where there are none', () => {
  expect(optionsOf(`watch=1&${INITIAL}`)).toMatchObject({ sendInitialEvents: true });
  expect(() => optionsOf(`watch=1&${INITIAL}`, false)).toThrow(
    'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
  );
});

it.each([
  ['watch=1&resourceVersion=0', true, 'NotOlderThan'],
  ['watch=1', true, 'NotOlderThan'],
  ['watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan', false, 'NotOlderThan'],
  ['watch=1&resourceVersion=00', undefined, ''],
  ['watch=1&resourceVersion=7', undefined, ''],
  ['resourceVersion=0', undefined, ''],
])('whether %s begins with the state: %s', (query, sendInitialEvents, resourceVersionMatch) => {
  expect(optionsOf(query)).toMatchObject({ sendInitialEvents, resourceVersionMatch });
});

it.each([
  ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
  ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
])('without a word of a watch, %s is checked as that of a list', (query, problem) => {
  expect(() => optionsOf(query)).toThrow(problem);
});
