import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { RequestContext } from '../context.ts';
import { sendChunks, sendWhole } from './send.ts';

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

it.each([[{}], [{ 'accept-encoding': 'gzip' }]])(
  'a list that fails does so for all who share it: %j',
  async (headers) => {
    const send = () => {
      const exchange = {
        headers,
        method: 'GET',
        begin: () => new PassThrough().resume(),
        onClose: () => {},
        bytesSent: 0,
      };
      const ctx = { exchange, warnings: [], auditId: '' } as unknown as RequestContext;
      const write = function* () {
        yield;
        throw new Error('no such form');
      };
      return sendChunks(ctx, 200, {}, { write, estimate: 200 << 10, key: `7 ${JSON.stringify(headers)}` });
    };
    for (let i = 0; i < 3; i++) await expect(send()).rejects.toThrow('no such form');
  },
);
