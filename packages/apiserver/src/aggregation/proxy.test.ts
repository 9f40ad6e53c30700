import { serviceUnavailable } from '@keelson/api/errors';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { silentLogger } from '@keelson/component/logs/logger';
import { expect, it } from 'vitest';
import { BackendPool } from '../connect/backend.ts';
import type { RequestContext } from '../context.ts';
import { proxy } from './proxy.ts';
import { UnusableBundle } from './remote.ts';

const backend = {
  scheme: 'https',
  host: '127.0.0.1',
  port: '1',
  path: '/apis/g/v1/things',
  query: '',
  tls: {},
} as const;

const nowhere = new BackendPool();

/** @returns what the client is told */
async function answer(
  locate: () => Promise<typeof backend>,
  name = 'jane',
  available = 'True',
  { pool = nowhere as Pick<BackendPool, 'request'>, tellsUids = true } = {},
): Promise<string> {
  let told = '';
  const exchange = {
    method: 'GET',
    url: backend.path,
    headers: {},
    rawHeaders: [],
    onClose: () => {},
    respond: (status: number, headers: Record<string, string>, body: string) => {
      told = `${status} ${headers['content-type']} ${body}`;
    },
  };
  const info = { path: backend.path, isResourceRequest: true };
  const user = { name, uid: 'u', groups: [], extra: {} };
  const ctx = { exchange, info, user, auditId: 'id', warnings: [] } as object as RequestContext;
  const service = { metadata: { name: 'v1.g' }, status: { conditions: [{ type: 'Available', status: available }] } };
  await proxy(ctx, service as APIService, {
    remote: { backend: locate },
    forwarding: { pool: pool as BackendPool, requestHeader: undefined, register: () => () => {} },
    rejectsRedirects: true,
    tellsUids,
    logger: silentLogger,
  });
  return told;
}

const found = async () => backend;
const failing = (error: Error) => async () => {
  throw error;
};

it.each<[string, () => Promise<string>, string]>([
  ['is not available', () => answer(found, 'jane', 'False'), '503 service unavailable'],
  ['leads nowhere', () => answer(failing(serviceUnavailable('no endpoints'))), '503 service unavailable'],
  ['has no usable authorities', () => answer(failing(new UnusableBundle('bad bundle'))), '500 bad bundle'],
  [
    'cannot be told who asks',
    () => answer(found, 'jane\n'),
    '503 error trying to reach service: net/http: invalid header field value for "X-Remote-User"',
  ],
  [
    'does not answer',
    () => answer(found),
    '503 error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused',
  ],
])('tells in plain text that a server %s', async (_what, told, expected) => {
  const [status, message] = [expected.slice(0, 3), expected.slice(4)];
  expect(await told()).toBe(`${status} text/plain; charset=utf-8 ${message}\n`);
});

it.each([
  [true, ['u']],
  [false, undefined],
])('tells UIDs of users: %s', async (tellsUids, expected) => {
  let sent: unknown;
  const pool = {
    request: (_: unknown, { headers }: { headers: Record<string, unknown> }) => {
      sent = headers['x-remote-uid'];
      throw serviceUnavailable('seen');
    },
  } as Pick<BackendPool, 'request'>;
  await answer(found, 'jane', 'True', { pool, tellsUids });
  expect(sent).toEqual(expected);
});
