import { ManualClock, systemClock } from '@keelson/api/clock';
import { parseKubeconfig } from '@keelson/client/rest/kubeconfig';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, describe, expect, it } from 'vitest';
import { KubeconfigWebhook } from '../webhook/kubeconfig.ts';
import { type Said, startTestServer, type TestServer } from '../webhook/testing.ts';
import { tokenWebhookOf } from './build.ts';
import { AuthenticationMetrics } from './metrics.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function setUp(status: object, version: 'v1' | 'v1beta1' = 'v1', reply: Partial<Said> = {}) {
  const body = JSON.stringify({ kind: 'TokenReview', apiVersion: `authentication.k8s.io/${version}`, status });
  const server = await startTestServer(() => ({ body, ...reply }));
  servers.push(server);
  const world = {
    clock: new ManualClock(1_000_000),
    random: () => 0,
    metrics: new AuthenticationMetrics(new MetricsRegistry(), () => 0),
  };
  const webhook = new KubeconfigWebhook(parseKubeconfig(server.kubeconfig('/authenticate'), '/'), {
    clock: systemClock,
  });
  const serviceAccounts = { issuers: ['api'] } as never;
  const authenticate = tokenWebhookOf(
    { tokenWebhook: { webhook, version, cacheTtlMs: 1000 }, serviceAccounts },
    world,
  )!;
  return { server, authenticate, clock: world.clock };
}
const ann = { authenticated: true, user: { username: 'ann', uid: '7', groups: ['g'], extra: { k: ['v'] } } };
const user = { name: 'ann', uid: '7', groups: ['g'], extra: { k: ['v'] } };

describe('a webhook for tokens', () => {
  it('is shown the token, and what it says is remembered for a while', async () => {
    const { server, authenticate, clock } = await setUp(ann, 'v1beta1');
    expect(await authenticate('secret', ['api'])).toEqual({ user, audiences: ['api'] });
    expect(server.received[0]).toMatchObject({
      path: '/authenticate?timeout=30s',
      body: '{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1beta1","metadata":{},"spec":{"token":"secret","audiences":["api"]},"status":{"user":{}}}\n',
    });
    await authenticate('secret', ['api']);
    expect(server.received).toHaveLength(1);
    clock.advance(1001);
    await authenticate('secret', ['api']);
    expect(server.received).toHaveLength(2);
  });

  it('says what a token is meant for', async () => {
    const { authenticate } = await setUp({ ...ann, audiences: ['other'] });
    expect(await authenticate('t', ['api'])).toBeUndefined();
    expect(await authenticate('t', ['other', 'api'])).toEqual({ user, audiences: ['other'] });
    expect(await authenticate('t', [])).toEqual({ user });
  });

  it('that knows nobody is remembered; one that fails is not', async () => {
    const nobody = await setUp({ authenticated: false });
    for (let i = 0; i < 2; i++) expect(await nobody.authenticate('t', [])).toBeUndefined();
    expect(nobody.server.received).toHaveLength(1);
    const refusing = await setUp({ authenticated: false, error: 'go away' });
    for (let i = 0; i < 2; i++) await expect(refusing.authenticate('t', [])).rejects.toThrow('go away');
    expect(refusing.server.received).toHaveLength(2);
    const failing = await setUp({}, 'v1', { status: 403, body: 'no', headers: { 'content-type': 'text/plain' } });
    await expect(failing.authenticate('t', [])).rejects.toThrow('no');
  });

  it.each([
    [{ authenticated: 'false' }, 'TokenReviewStatus.status.authenticated of type bool'],
    [
      { authenticated: true, user: { username: 'ann', groups: 'system:masters' } },
      'UserInfo.status.user.groups of type []string',
    ],
  ])('that says %j says nothing', async (status, field) => {
    const { authenticate } = await setUp(status as object);
    await expect(authenticate('t', [])).rejects.toThrow(`json: cannot unmarshal string into Go struct field ${field}`);
  });
});
