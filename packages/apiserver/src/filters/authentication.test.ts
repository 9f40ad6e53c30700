import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { AuthenticationMetrics } from '../authn/metrics.ts';
import type { RequestContext } from '../context.ts';
import { authentication } from './authentication.ts';

const logger = { debug() {} } as never;

// A connection of HTTP/2 is cheap for who opens it and dear for the server: upstream gives the unknown none to keep.
test.each([
  ['2', 'system:anonymous', true, true],
  ['2', undefined, true, true],
  ['2', 'jane', true, false],
  ['1.1', 'system:anonymous', true, false],
  ['1.1', undefined, true, false],
  ['2', 'system:anonymous', false, false],
  ['2', undefined, false, false],
])('HTTP/%s, user %s, gate %s: the connection ends: %s', async (httpVersion, name, endsUnknown, expected) => {
  let ended = false;
  const endConnection = () => {
    ended = true;
  };
  const ctx = {
    exchange: { httpVersion, rawHeaders: [], endConnection },
    info: { path: '/version' },
    auditAnnotations: {},
    warnings: [],
  } as unknown as RequestContext;
  const filter = authentication({
    authenticate: async () => (name === undefined ? undefined : { user: { name, uid: '', groups: [], extra: {} } }),
    audiences: [],
    metrics: new AuthenticationMetrics(new MetricsRegistry(), () => 0),
    logger,
    endsUnknown,
  });
  const answer = Promise.resolve(filter(ctx, async () => {}));
  if (name === undefined) await expect(answer).rejects.toMatchObject({ code: 401 });
  else await answer;
  expect(ended).toBe(expected);
});
