import { expect, it } from 'vitest';
import type { RequestContext } from '../context.ts';
import { sendWhole } from './send.ts';

it.each([
  [{}, 'gzip'],
  [{ isPlain: true }, undefined],
])('a large answer in the context %j is compressed as %s', async (more, encoding) => {
  const answers: object[] = [];
  const exchange = {
    headers: { 'accept-encoding': 'gzip' },
    respond: (_status: number, headers: object) => answers.push(headers),
  };
  const ctx = { exchange, warnings: [], auditId: '', ...more } as unknown as RequestContext;
  await sendWhole(ctx, 200, {}, Buffer.alloc(200 * 1024));
  expect(answers).toEqual([
    encoding
      ? expect.objectContaining({ 'content-encoding': encoding })
      : expect.not.objectContaining({ 'content-encoding': 'gzip' }),
  ]);
});
