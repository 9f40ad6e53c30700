/** For the tests of kinds: a request's context, and errors as text. */
import type { ErrorList } from '@keelson/api/field';
import type { StrategyContext } from './strategy.ts';

export function testContext(changes: Partial<StrategyContext> = {}): StrategyContext {
  return {
    namespace: 'default',
    user: { name: 'tester', uid: '', groups: [], extra: {} },
    now: new Date('2026-01-02T03:04:05Z'),
    dryRun: false,
    requestVersion: 'v1',
    ...changes,
  };
}

export function texts(errors: ErrorList | undefined): string[] {
  return (errors ?? []).map(String);
}
