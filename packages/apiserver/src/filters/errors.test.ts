import { silentLogger } from '@keelson/component/logs/logger';
import { expect, it } from 'vitest';
import type { RequestContext } from '../context.ts';
import type { Exchange } from '../http/exchange.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { errors } from './errors.ts';
import { TooLate } from './timeout.ts';

it('who wanted less time than it takes is told so by the server, not by the API', async () => {
  const answers: { status: number; type: unknown; body: string }[] = [];
  const respond: Exchange['respond'] = (status, headers, body) =>
    void answers.push({ status, type: headers['content-type'], body: String(body) });
  const ctx = {
    exchange: { respond, headers: { accept: 'application/yaml' } } as unknown as Exchange,
    info: parseRequestInfo('GET', '/api/v1/pods'),
    auditId: 'id',
    warnings: [],
  } as unknown as RequestContext;
  await errors(silentLogger)(ctx, () => Promise.reject(new TooLate()));
  const message = 'Timeout: request did not complete within the allotted timeout';
  const told = { metadata: {}, status: 'Failure', message, reason: 'Timeout', details: {}, code: 504 };
  expect(answers).toEqual([{ status: 504, type: 'text/plain; charset=utf-8', body: `${JSON.stringify(told)}\n` }]);
});
