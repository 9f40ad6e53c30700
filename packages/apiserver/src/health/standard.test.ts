import { expect, it } from 'vitest';
import type { Answer } from '../http/answer.ts';
import { HealthChecks } from './checks.ts';
import { addStandardChecks, type StandardChecks } from './standard.ts';

function fixture(options: Partial<StandardChecks> = {}) {
  const health = new HealthChecks({ now: () => 0, livezGraceMs: 1 });
  const storeHealth = () => Promise.resolve();
  const finish = addStandardChecks(health, {
    storeHealth,
    storeReadiness: storeHealth,
    unread: () => [],
    isShuttingDown: () => false,
    priorityAndFairness: false,
    reloadsEncryption: false,
    hasProxyCertificate: false,
    peers: { areTold: true, areAsked: false },
    ...options,
  });
  return { health, finish };
}

function get(health: HealthChecks, path: string): Promise<Answer | undefined> {
  return health.serve({ path, query: new URLSearchParams('verbose') });
}

const readyz = async (health: HealthChecks) => String((await get(health, '/readyz'))?.body);

it('is ready when nobody waits for anything any more', async () => {
  const { health, finish } = fixture();
  const roles = health.addBootHook('rbac/bootstrap-roles');
  expect(health.unfinished).toEqual(['rbac/bootstrap-roles']);
  expect(await readyz(health)).toContain('[-]poststarthook/bootstrap-controller failed');
  finish();
  expect(await readyz(health)).toContain('[-]poststarthook/rbac/bootstrap-roles failed');
  roles();
  expect(health.unfinished).toEqual([]);
  const lines = (await readyz(health)).trimEnd().split('\n');
  expect(lines.slice(0, 5)).toEqual([
    '[+]ping ok',
    '[+]log ok',
    '[+]etcd ok',
    '[+]etcd-readiness ok',
    '[+]informer-sync ok',
  ]);
  expect(lines.slice(-2)).toEqual(['[+]shutdown ok', 'readyz check passed']);
});

it('is not ready while it shuts down, but alive', async () => {
  const { health, finish } = fixture({ isShuttingDown: () => true });
  finish();
  expect(await readyz(health)).toContain('[-]shutdown failed: reason withheld');
  expect((await get(health, '/livez'))?.status).toBe(200);
});

it.each([
  [true, ['priority-and-fairness-config-consumer', 'priority-and-fairness-filter']],
  [false, ['max-in-flight-filter']],
])('names the filter that bounds requests (priority and fairness: %s)', async (priorityAndFairness, hooks) => {
  const { health } = fixture({ priorityAndFairness });
  const names = health.paths().filter((p) => /^\/livez\/.*(fairness-(config-c|f)|max-in-flight)/.test(p));
  expect(names).toEqual(hooks.map((hook) => `/livez/poststarthook/${hook}`));
});

it.each([
  [{ areTold: false, areAsked: false }, []],
  [{ areTold: true, areAsked: false }, ['peer-endpoint-reconciler-controller']],
  [
    { areTold: true, areAsked: true },
    [
      'peer-endpoint-reconciler-controller',
      'mixed-version-proxy-handler',
      'local-discovery-cache-sync',
      'peer-discovery-workers',
    ],
  ],
])('names what peers have to do with it (%j)', (peers, hooks) => {
  const { health } = fixture({ peers });
  const names = health.paths().filter((path) => /^\/readyz\/.*(peer-|mixed-|local-discovery)/.test(path));
  expect(names).toEqual(hooks.map((hook) => `/readyz/poststarthook/${hook}`));
});

it('is not ready while what the server itself follows cannot be read, but alive', async () => {
  const { health, finish } = fixture({ unread: () => ['Secret', 'Pod'] });
  finish();
  expect(String((await get(health, '/readyz/informer-sync'))?.body)).toBe(
    'internal server error: 2 informers not started yet: [*v1.Secret *v1.Pod]\n',
  );
  expect((await get(health, '/livez'))?.status).toBe(200);
});
