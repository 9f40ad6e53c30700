import { expect, it } from 'vitest';
import { listOptions } from './options.ts';
import type { Scope } from './scope.ts';

const INITIAL = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

function watching(query: string, hasWatchLists: boolean) {
  const scope = { ctx: { info: { query: new URLSearchParams(query) } }, isEnabled: () => hasWatchLists };
  return listOptions(scope as unknown as Scope, true);
}

it('lists within watches are refused where there are none', () => {
  expect(watching(INITIAL, true)).toMatchObject({ sendInitialEvents: true, marksInitialEnd: true });
  expect(() => watching(INITIAL, false)).toThrow(
    'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
  );
});

it.each([true, false])('a watch from nowhere begins with the state, and tells where that ends: %s', (hasWatchLists) => {
  const options = watching('resourceVersion=0&allowWatchBookmarks=true', hasWatchLists);
  expect(options).toMatchObject({ sendInitialEvents: true, marksInitialEnd: hasWatchLists });
});
