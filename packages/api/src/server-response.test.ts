import { expect, test } from 'vitest';
import { meaningOf } from './server-response.ts';

test.each<[code: number, said: string, isPost: boolean, reason: string, message: string]>([
  [404, 'no such page', false, 'NotFound', 'the server could not find the requested resource'],
  [409, '', false, 'Conflict', 'the server reported a conflict'],
  [409, '', true, 'AlreadyExists', 'the server reported a conflict'],
  [403, 'not you', false, 'Forbidden', 'not you'],
  [406, 'JSON alone', false, 'NotAcceptable', 'JSON alone'],
  [
    406,
    'unknown',
    false,
    'NotAcceptable',
    'the server was unable to respond with a content type that the client supports',
  ],
  [
    502,
    'a "b"',
    true,
    'InternalError',
    'an error on the server ("a \\"b\\"") has prevented the request from succeeding',
  ],
  [418, 'tea', false, '', 'the server responded with the status code 418 but did not return more information'],
])('%i with %j (POST: %s) is %s', (code, said, isPost, reason, message) => {
  expect(meaningOf(code, said, isPost)).toEqual({ reason, message });
});
