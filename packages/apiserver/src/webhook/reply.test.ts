import { expect, it } from 'vitest';
import { bodyOf } from './reply.ts';

const reply = (status: number, body: string, contentType = 'application/json') => ({
  status,
  contentType,
  body: Buffer.from(body),
});
const failure = {
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message: 'broken',
  reason: 'BadRequest',
  code: 400,
};

it.each([
  [reply(500, JSON.stringify(failure)), { code: 400, reason: 'BadRequest', message: 'broken' }],
  [
    reply(500, JSON.stringify({ ...failure, status: 'Success' })),
    { code: 500, message: 'an error on the server ("unknown") has prevented the request from succeeding' },
  ],
  [reply(404, 'null'), { code: 404, message: 'the server could not find the requested resource' }],
  [reply(500, 'oops', 'text/plain'), { code: 500, reason: 'InternalError', message: expect.stringContaining('oops') }],
  [reply(200, ''), { message: '0-length response with status code: 200 and content type: application/json' }],
])('a reply that is a failure: %o', (given, expected) => {
  expect(() => bodyOf(given)).toThrow(expect.objectContaining(expected));
});

it('a reply that is one is its body', () => {
  expect(bodyOf(reply(201, '{}')).toString()).toBe('{}');
});
