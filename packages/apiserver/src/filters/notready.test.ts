import { expect, it } from 'vitest';
import type { RequestContext } from '../context.ts';
import type { Exchange, ResponseHeaders } from '../http/exchange.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { notReady } from './notready.ts';

function request(path: string, user = 'alice') {
  const answers: { status: number; headers: ResponseHeaders; body: unknown }[] = [];
  const respond: Exchange['respond'] = (status, headers, body) => void answers.push({ status, headers, body });
  const ctx = {
    exchange: { respond } as Exchange,
    info: parseRequestInfo('GET', path),
    user: { name: user, uid: '', groups: [], extra: {} },
    auditId: 'id',
    warnings: [],
  } as unknown as RequestContext;
  return { ctx, answers };
}

const WARNING = 'The apiserver was still initializing, while this request was being served';

it.each([
  ['/api/v1/pods', 'alice', false, 503, []],
  ['/api/v1/pods', 'alice', true, undefined, []],
  ['/api/v1/pods', 'system:apiserver', false, undefined, [WARNING]],
  ['/readyz?verbose', 'alice', false, undefined, [WARNING]],
])('%s of %s, ready before: %s', async (path, user, hasBeenReady, status, warnings) => {
  const { ctx, answers } = request(path, user);
  let served = false;
  await notReady(() => hasBeenReady)(ctx, async () => {
    served = true;
  });
  expect([served, answers[0]?.status, ctx.warnings]).toEqual([status === undefined, status, warnings]);
  if (status)
    expect(answers[0]).toMatchObject({
      headers: { 'retry-after': 5 },
      body: expect.stringContaining("hasn't been fully initialized"),
    });
});
